//go:build e2e && linux

package e2e

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestManyReloads edits a program again and again. hotstart must not grow after
// the first quarter, in which the heap finds its size. Over at least a hundred
// reloads it must not become slower.
func TestManyReloads(t *testing.T) {
	t.Parallel()
	reloads := max(cmp.Or(*reloadsFlag, 1000), 20)
	_, fresh := measureReloads(t, 5)
	stretches, goroutines := measureReloads(t, reloads)
	first, last := stretches[len(stretches)/4], stretches[len(stretches)-1]
	t.Logf("%d goroutines in the end, %d after 5 reloads", goroutines, fresh)
	if last.leaks(first.usage) || float64(last.memoryKB) > 1.15*float64(first.memoryKB) || last.tempFiles > first.tempFiles || goroutines > fresh+10 {
		t.Error("hotstart has grown")
	}
	if reloads >= 100 && last.median > 2*first.median {
		t.Error("hotstart has become slower")
	}
}

// stretch is a tenth of the reloads.
type stretch struct {
	usage                   // of hotstart at its end
	tempFiles int           // of hotstart at its end
	median    time.Duration // from a save to the first answer
}

// measureReloads counts the goroutines in what the Go runtime prints at SIGQUIT.
func measureReloads(t *testing.T, reloads int) (stretches []stretch, goroutines int) {
	t.Helper()
	p, address, tmp := newProject(t, "plain", ""), freeAddress(t), t.TempDir()
	s := watch(t, p, nil, []string{"ADDRESS=" + address, "TMPDIR=" + tmp})
	client := newHTTPClient(nil, false)
	var took []time.Duration
	for n := 1; n <= reloads; n++ {
		text := fmt.Sprint("reload", n)
		began := time.Now()
		p.setText(t, text)
		if err := s.await("to serve "+text, func() bool {
			answer, err := request(client, http.MethodGet, "http://"+address, "")
			return err == nil && answer == text+" "
		}); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		if n%max(reloads/10, 1) == 0 {
			awaitRest(t, s)
			last := stretch{usageOf(s.cmd.Process.Pid), countFiles(tmp), median(took)}
			t.Logf("%d reloads: %v; %d temporary files; %v", n, last.usage, last.tempFiles, last.median.Round(time.Millisecond))
			stretches, took = append(stretches, last), nil
		}
	}
	s.cmd.Process.Signal(syscall.SIGQUIT)
	<-s.silent
	return stretches, int(s.goroutines.Load())
}

// awaitRest waits until hotstart has used no processor time for half a second.
func awaitRest(t *testing.T, s *session) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", s.cmd.Process.Pid)
	for before, end := "", time.Now().Add(timeout); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		now := strings.Join(statFields(dir)[11:13], " ") // utime and stime
		if now == before {
			return
		}
		before = now
	}
	t.Fatal("hotstart does not come to rest")
}

func median(values []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func countFiles(dir string) (n int) {
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, _ error) error {
		if e != nil && !e.IsDir() {
			n++
		}
		return nil
	})
	return n
}
