package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// another starts a superdaemon in another process, and returns its files. It runs
// a script in the folder work next to the files.
func another(t *testing.T, script string, env ...string) (pidFile, statusFile string) {
	t.Helper()
	dir := t.TempDir()
	pidFile, statusFile = filepath.Join(dir, "pid"), filepath.Join(dir, "status")
	if err := os.Mkdir(filepath.Join(dir, "work"), 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env = append(append(os.Environ(), env...), "DAEMON_TEST_DIR="+dir, "SCRIPT="+script, "GORACE=atexit_sleep_ms=0")
	pid, err := syscall.ForkExec(self, []string{self}, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// A second signal stops it immediately, but the kernel merges two signals
		// that arrive while it is busy.
		until(t, "the superdaemon lives", func() bool {
			syscall.Kill(pid, syscall.SIGTERM)
			ended, _ := syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
			return ended == pid
		})
	})
	until(t, "the first worker", func() bool {
		now, _ := readStatus(statusFile)
		return len(now.workers) == 1
	})
	return pidFile, statusFile
}

func find(t *testing.T, pidFile string) *Process {
	t.Helper()
	i, err := Open(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

// brief is a context for waiting for something that does not happen.
func brief(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, errors.New("half a second"))
	t.Cleanup(cancel)
	return ctx
}

func TestRestartAndStopAnother(t *testing.T) {
	t.Parallel()
	pidFile, statusFile := another(t, "exec sleep 100")
	i := find(t, pidFile)
	if err := i.Restart(t.Context(), statusFile); err != nil {
		t.Fatal(err)
	}
	if now, err := readStatus(statusFile); err != nil || len(now.workers) != 1 || now.workers[0].Generation != 2 {
		t.Errorf("%v, %v", now, err)
	}
	if err := i.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if runtime.GOOS == "linux" && !proc.Exiting(i.PID) {
		t.Error("it gave up its lock, but still runs")
	}
	if exists(pidFile) || exists(statusFile) {
		t.Error("a file is left")
	}
}

func TestARestartThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	pidFile, statusFile := another(t, "exec sleep 100")
	// The start fails before the program runs: a slow failure would count as ready.
	if err := os.Remove(filepath.Join(filepath.Dir(pidFile), "work")); err != nil {
		t.Fatal(err)
	}
	err := find(t, pidFile).Restart(brief(t), statusFile)
	if err == nil || !strings.Contains(err.Error(), "no worker newer than 1 came up (its log says why; it keeps trying): half a second") {
		t.Error(err)
	}
}

// A superdaemon that has given up does not try again.
func TestARestartThatIsGivenUp(t *testing.T) {
	t.Parallel()
	pidFile, statusFile := another(t, "exec sleep 100", "MAX_FAILURES=2")
	if err := os.Remove(filepath.Join(filepath.Dir(pidFile), "work")); err != nil {
		t.Fatal(err)
	}
	err := find(t, pidFile).Restart(t.Context(), statusFile)
	if err == nil || !strings.HasSuffix(err.Error(), ": the reload has failed (its log says why)") {
		t.Error(err)
	}
	if now, err := readStatus(statusFile); err != nil || newest(now.workers) != 1 {
		t.Errorf("%v, %v", now, err)
	}
}

func TestARestartWhoseOldWorkerStays(t *testing.T) {
	t.Parallel()
	deaf := filepath.Join(t.TempDir(), "deaf")
	pidFile, statusFile := another(t, fmt.Sprintf(`trap "" TERM; mkdir -p %s; while :; do sleep 1; done`, deaf))
	until(t, "the worker ignores TERM", func() bool { return exists(deaf) })
	i := find(t, pidFile)
	ctx, giveUp := context.WithCancel(t.Context())
	restarted := make(chan error, 1)
	go func() { restarted <- i.Restart(ctx, statusFile) }()
	until(t, "the second worker", func() bool {
		now, _ := readStatus(statusFile)
		return newest(now.workers) == 2
	})
	giveUp()
	err := <-restarted
	if err == nil || !strings.Contains(err.Error(), "worker 2 is up, but the older worker 1 (pid ") {
		t.Error(err)
	}
	err = i.Stop(brief(t))
	if err == nil || !strings.Contains(err.Error(), "it still runs: half a second") {
		t.Error(err)
	}
}

// The pid in a file without a lock may be that of any process, which gets no signal.
func TestAPIDFileThatIsLeftOver(t *testing.T) {
	t.Parallel()
	victim := shell("exec sleep 100")
	pid, err := syscall.ForkExec(victim.Path, victim.Args, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Reap(pid)
	defer syscall.Kill(pid, syscall.SIGKILL)
	path := filepath.Join(t.TempDir(), "pid")
	os.WriteFile(path, fmt.Appendln(nil, pid), 0o644)
	if _, err := Open(path); err == nil || !strings.HasPrefix(err.Error(), "no server runs: ") {
		t.Error(err)
	}
	if _, err := Open(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestARestartOfAServerThatEnds(t *testing.T) {
	t.Parallel()
	pidFile, statusFile := another(t, "exec sleep 100")
	i := find(t, pidFile)
	syscall.Kill(i.PID, syscall.SIGKILL)
	until(t, "its end", i.unlocked)
	if err := i.Restart(t.Context(), statusFile); err == nil {
		t.Error("it was restarted")
	}
	now, _ := readStatus(statusFile)
	for _, w := range now.workers {
		syscall.Kill(w.PID, syscall.SIGKILL)
	}
}
