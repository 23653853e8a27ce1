package starter

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A process is a running worker, as the loop sees it.
type process interface {
	PID() int
	Signal(syscall.Signal) error
	// Wait blocks until the process has ended. It stays a zombie, so that
	// its pid can't become another's while the loop still signals it.
	Wait() (syscall.WaitStatus, error)
	// Reap lets go of the pid, after Wait. Called from the loop alone.
	Reap()
}

// child is a process that this one forked.
type child struct {
	pid    int
	leash  bool // it leads a process group that ends with it
	report int  // read end of the exec stage's report, or -1
	guard  *guard
}

func (c *child) PID() int { return c.pid }

func (c *child) Signal(sig syscall.Signal) error {
	if c.leash && sig == syscall.SIGKILL {
		return unix.Kill(-c.pid, sig)
	}
	return unix.Kill(c.pid, sig)
}

func (c *child) Wait() (syscall.WaitStatus, error) {
	err := c.execError()
	status := waitFor(c.pid)
	return status, err
}

// Reap ends what is left of the process group first: as long as its leader
// is a zombie, no other group can have its number.
func (c *child) Reap() {
	if c.leash {
		unix.Kill(-c.pid, syscall.SIGKILL)
	}
	if c.guard != nil {
		c.guard.forget(c.pid)
	}
	reap(c.pid)
}
