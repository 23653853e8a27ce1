package starter

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// self is this process's own program, also after its file was replaced.
func self() (string, error) { return "/proc/self/exe", nil }

// attributes make a worker on a leash: a process group of its own, and the
// parent-death signal, which fires when the thread that forked it ends.
func attributes(leash bool) *syscall.SysProcAttr {
	if !leash {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
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
