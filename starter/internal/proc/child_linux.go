package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Executable returns the path of this program's executable. The path stays valid when
// the file is replaced, unless /proc is not mounted.
func Executable() (string, error) {
	const exe = "/proc/self/exe"
	if _, err := os.Lstat(exe); err == nil {
		return exe, nil
	}
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("finding this program, since %s does not exist: %w", exe, err)
	}
	return path, nil
}

// attributes give a worker its own process group. With killDescendants, they also set the
// parent-death signal, which the kernel sends when the forking thread exits.
func attributes(killDescendants, group bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: killDescendants || group}
	if killDescendants {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}

// groupLives reports whether a process group contains a process that is not a
// zombie; proc_pid_stat(5).
func groupLives(group int) bool {
	for _, pid := range processes() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if f := statOf(b); len(f) > 2 && f[2] == strconv.Itoa(group) && f[0] != "Z" && f[0] != "X" {
			return true
		}
	}
	return false
}

// await blocks until the worker has exited, and leaves it a zombie, which keeps the
// exit status.
func (c *Child) await() {
	for unix.Waitid(unix.P_PID, c.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// Ended reports whether the worker has exited. It does not block. waitid(2) leaves
// si_signo 0 if it has not.
func (c *Child) Ended() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, c.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0
}

func (c *Child) collect() { c.status = Reap(c.pid) }
