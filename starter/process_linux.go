package starter

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// lastSignal is the last of the real-time signals; signal(7).
const lastSignal = 64

// self is this process's own program, also after its file was replaced. Where
// /proc is not mounted, or empty, it is what the path of its start leads to now.
func self() (string, error) {
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

// attributes give a worker a process group of its own, and one on a leash the
// parent-death signal, which fires when the thread that forked it ends.
func attributes(leash, group bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: leash || group}
	if leash {
		a.Pdeathsig = syscall.SIGKILL
	}
	return a
}

// groupLives reports whether a process group has a process that is not a
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

// ending waits for a child. The zombie itself keeps how it ended.
type ending struct{}

// await blocks until the child has ended, and leaves it a zombie.
func (ending) await(pid int) {
	for {
		if unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) != unix.EINTR {
			return
		}
	}
}

// seen reports whether the child is a zombie: waitid(2) leaves si_signo 0 if
// it is not.
func (ending) seen(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo != 0
}

func (ending) collect(pid int) syscall.WaitStatus { return reap(pid) }

// adoptOrphans makes this process the parent of every descendant whose own
// parent dies, so that none gets away. See PR_SET_CHILD_SUBREAPER in prctl(2).
func adoptOrphans() error {
	return os.NewSyscallError("prctl", unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
}
