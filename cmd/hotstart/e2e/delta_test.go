//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// linkedBy returns what has linked the program that a session serves, and the state of the
// linker that links by delta.
func linkedBy(p *project, env []string) (by string, ready bool, reason string) {
	cmd := exec.Command(hotstart, "status", "--json")
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), env...)
	out, _ := cmd.Output()
	var status struct {
		Build struct {
			LinkedBy string `json:"linked_by"`
			Delta    struct {
				Ready  bool
				Reason string
			}
		}
	}
	json.Unmarshal(out, &status)
	return status.Build.LinkedBy, status.Build.Delta.Ready, status.Build.Delta.Reason
}

// A program that works only when it is linked as a whole is served nevertheless: the user reads one
// line, and no failure.
func TestWrongDelta(t *testing.T) {
	p := newProject(t, "wronglink", "")
	address, cache := freeAddress(t), t.TempDir()
	env := []string{"ADDRESS=" + address, "XDG_CACHE_HOME=" + cache, "GOCACHE=" + goCache(t)}
	s := watch(t, p, nil, env)
	serves := func(text string) {
		t.Helper()
		err := s.await("to serve "+text, func() bool {
			got, err := request(http.DefaultClient, http.MethodGet, "http://"+address, "")
			return err == nil && got == text
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	serves("first")
	p.setText(t, "second")
	serves("second")
	// The linker is built at the lowest priority.
	for range 3 {
		if err := s.await("to be ready for a link by delta", func() bool { _, ready, _ := linkedBy(p, env); return ready }); err == nil {
			break
		}
	}
	p.setText(t, "third")
	serves("third")
	by, ready, reason := linkedBy(p, env)
	if by != "linker" || ready || !strings.Contains(reason, "starts when the ordinary linker links it") {
		t.Errorf("linked by the %s; ready for a delta: %v, %s", by, ready, reason)
	}
	report, err := os.ReadFile(filepath.Join(cache, "hotstart", "delta-reports.txt"))
	if err != nil || !strings.Contains(string(report), reason) {
		t.Errorf("report %q, %v", report, err)
	}
	p.setText(t, "fourth")
	serves("fourth")
	if by, _, _ := linkedBy(p, env); by == "delta" {
		t.Error("a delta is trusted after that")
	}
	for _, line := range strings.Split(s.output(), "\n") {
		told := strings.Contains(line, "failed to start") || strings.Contains(line, " died ")
		if told && !strings.Contains(line, "linked as a whole") {
			t.Errorf("the failure is reported: %s", line)
		}
	}
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
