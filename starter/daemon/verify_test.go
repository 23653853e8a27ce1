package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

func TestCandidates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		process candidate
		refused string // part of the reason; "": not refused
	}{
		{"its own superdaemon", candidate{owner: 7, asks: 7, user: 7, seen: true, holds: true}, ""},
		{"root its own, in a file that another user owned", candidate{owner: 7, asks: 0, user: 0, seen: true, holds: true}, ""},
		{"root that of another user", candidate{owner: 7, asks: 0, user: 7, seen: true, holds: true}, ""},
		{"root that of a third user", candidate{owner: 7, asks: 0, user: 8, seen: true, holds: true}, "belongs to user 8"},
		{"a user that of root", candidate{owner: 0, asks: 7, user: 0, seen: true, holds: true}, "belongs to user 0"},
		{"a process that does not hold the lock", candidate{asks: 0, user: 0, seen: true}, "does not hold"},
		{"a process of another kind", candidate{asks: 0, user: 0, seen: true, holds: true, name: "sshd"}, "is sshd, not a"},
		{"an unseen holder of a file of its own", candidate{owner: 7, asks: 7, user: -1}, ""},
		{"an unseen holder of a file of root's", candidate{owner: 0, asks: 7, user: 7}, ""},
		{"an unseen holder of a file that others write", candidate{owner: 7, asks: 7, user: 7, shared: true}, "other users can write"},
		{"an unseen holder of another's file", candidate{owner: 7, asks: 8, user: 8}, "other users can write"},
		{"root an unseen holder of its owner's file", candidate{owner: 7, asks: 0, user: 7}, ""},
		{"root a process of its own by another's file", candidate{owner: 7, asks: 0, user: 0}, "other users can write"},
		{"root an unknown process by another's file", candidate{owner: 7, asks: 0, user: -1}, "other users can write"},
	} {
		got := test.process.refusal()
		if (got == "") != (test.refused == "") || !strings.Contains(got, test.refused) {
			t.Errorf("%s: %q, want %q", test.name, got, test.refused)
		}
	}
}

// victim starts a process that holds no pid file.
func victim(t *testing.T) (pid int) {
	t.Helper()
	c := shell("exec sleep 100")
	pid, err := syscall.ForkExec(c.Path, c.Args, &syscall.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(pid, syscall.SIGKILL)
		proc.Reap(pid)
	})
	return pid
}

// The process that locks a file need not be the process that the file names.
func TestAPIDThatDoesNotHoldItsFile(t *testing.T) {
	t.Parallel()
	needsLocks(t)
	path := filepath.Join(t.TempDir(), "pid")
	os.WriteFile(path, fmt.Appendln(nil, victim(t)), 0o644)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := tryLock(f); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "which does not hold its lock; no signal was sent") {
		t.Error(err)
	}
}

// flock(1) locks a file, and is not a superdaemon.
func TestAPIDFileOfAnotherProgram(t *testing.T) {
	t.Parallel()
	needsLocks(t)
	flock, err := exec.LookPath("flock")
	if err != nil {
		t.Skip("needs flock of util-linux")
	}
	path := filepath.Join(t.TempDir(), "pid")
	cmd := exec.Command("sh", "-c", `echo $$ >"$1" && exec "$0" "$1" cat`, flock, path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	until(t, "the lock", func() bool {
		f, err := os.Open(path)
		if err != nil {
			return false
		}
		defer f.Close()
		return tryLock(f) != nil
	})
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "which is flock, not a start_server or hotstart") {
		t.Error(err)
	}
}

// needsLocks skips a test where the kernel does not show who holds a lock.
func needsLocks(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/locks"); err != nil {
		t.Skipf("needs /proc/locks, which %s does not show", runtime.GOOS)
	}
}
