package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/starter"
)

// FuzzFiles reads files that other programs may write. A pid file yields a pid
// that may be signalled, or an error. A status file keeps its meaning when it is
// written again. A variable is valid in the environment of a process.
func FuzzFiles(f *testing.F) {
	for _, s := range []string{"", "1\n", "0", "-1", "99999999999", "12 13", "1:10\n2:20\n", "1:10", "0:1\n", "1:\n", "a:b\n", "x\x00y\nz", "\xff\r\n", "+1:+10\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		dir := t.TempDir()
		path := filepath.Join(dir, "NAME")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		fuzzPIDFile(t, path, content)
		fuzzStatusFile(t, path)
		start := starter.Start{Env: []string{"NAME=base"}}
		if err := NewEnvDir(dir).Apply(&start); err != nil {
			t.Error(err)
		}
		for _, v := range start.Env {
			if name, value, _ := strings.Cut(v, "="); name != "NAME" || strings.ContainsAny(value, "\x00\n") {
				t.Errorf("the variable %q of %q", v, content)
			}
		}
	})
}

func fuzzPIDFile(t *testing.T, path, content string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pid, err := readPID(f)
	if err == nil && (pid < 1 || pid == os.Getpid() || strings.Trim(strings.TrimSpace(content), "0123456789") != "") {
		t.Errorf("pid %d of %q", pid, content)
	}
}

func fuzzStatusFile(t *testing.T, path string) {
	status, err := readStatus(path)
	if err != nil {
		return
	}
	workers := status.workers
	for _, w := range workers {
		if w.Generation < 1 || w.PID < 1 {
			t.Errorf("worker %v", w)
		}
	}
	again := path + ".again"
	s := &statusStore{path: again}
	defer s.close()
	if err := s.write(statusLines(workers), false); err != nil {
		t.Fatal(err)
	}
	if len(workers) == 0 {
		return // nothing is written before the first worker
	}
	if got, err := readStatus(again); err != nil || !slices.Equal(got.workers, workers) {
		t.Errorf("%v was read again as %v, %v", workers, got, err)
	}
}
