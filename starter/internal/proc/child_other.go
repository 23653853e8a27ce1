//go:build !linux

package proc

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Executable returns the path of this program's executable.
func Executable() (string, error) { return os.Executable() }

// Pipe returns the read end and the write end of a pipe. A forked child
// does not inherit them: the fork lock is held until both are close-on-exec.
func Pipe() (r, w int, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err = unix.Pipe(fds[:]); err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	return fds[0], fds[1], err
}

// socketPair returns the two ends of a stream socket pair. A forked child does not
// inherit them.
func socketPair() ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	return pair, err
}

// attributes give a worker its own process group. There is no parent-death
// signal: if this process is killed, the guard alone ends the workers.
func attributes(killDescendants, group bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: killDescendants || group}
}

// groupLives reports whether a process group contains a process. The leader is
// not a zombie, since await has reaped it.
func groupLives(group int) bool { return syscall.Kill(-group, 0) == nil }

// exit waits for a child process, and keeps its exit status.
type exit struct{ status syscall.WaitStatus }

// await blocks until the child has exited. golang.org/x/sys/unix has no
// waitid(2) with WNOWAIT here, so the pid is free afterwards, and a signal sent
// at that moment could reach another process.
func (e *exit) await(pid int) { e.status = Reap(pid) }

// seen reports false: there is no way to ask without reaping.
func (e *exit) seen(int) bool { return false }

func (e *exit) collect(int) syscall.WaitStatus { return e.status }

// A Pidfd would refer to a process that is not a child. Such a process gives up
// its lock on the pid file just before it exits, which has to suffice.
type Pidfd struct{}

func OpenPidfd(int) Pidfd { return Pidfd{} }

func (Pidfd) Exited() bool { return true }
func (Pidfd) Close()       {}

func (Pidfd) Signal(pid int, sig syscall.Signal) error { return unix.Kill(pid, sig) }
