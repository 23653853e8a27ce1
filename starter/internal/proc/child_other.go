//go:build !linux

package proc

import (
	"os"
	"syscall"
)

// Executable returns the path of this program's executable.
func Executable() (string, error) { return os.Executable() }

// attributes give a worker its own process group. There is no parent-death
// signal: if this process is killed, the guard alone ends the workers.
func attributes(killDescendants, group bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: killDescendants || group}
}

// groupLives reports whether a process group contains a process. The leader is
// not a zombie, since await has reaped it.
func groupLives(group int) bool { return syscall.Kill(-group, 0) == nil }

// await blocks until the worker has exited. golang.org/x/sys/unix has no waitid(2)
// with WNOWAIT here, so the pid is free afterwards, and a signal sent at that
// moment could reach another process.
func (c *Child) await() { c.status = Reap(c.pid) }

// Ended reports false: there is no way to ask without reaping.
func (c *Child) Ended() bool { return false }

func (c *Child) collect() {}
