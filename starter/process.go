package starter

import (
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is a running worker, as the loop sees it.
type process interface {
	PID() int
	Signal(syscall.Signal) error
	// Wait blocks until the process has ended, and returns why it never
	// became its program, if so. It stays a zombie, so that its pid can't
	// become another's while the loop still signals it.
	Wait() error
	// Ended reports whether the process has ended, as far as can be seen
	// without waiting.
	Ended() bool
	// Reap lets go of the pid, after Wait, and returns how the process
	// ended. Called from the loop alone.
	Reap() syscall.WaitStatus
}

// child is a process that this one forked.
type child struct {
	path   string // its program
	dir    string // that it is to run in; "": this process's own
	pid    int
	leash  bool             // it leads a process group that ends with it
	ends   []syscall.Signal // that are sent to its process group, see Options.KillGroup; nil: to it alone
	told   atomic.Bool      // it got one of these
	report int              // read end of the exec stage's report, or -1
	guard  *guard
	ending
}

func (c *child) PID() int { return c.pid }

func (c *child) Signal(sig syscall.Signal) error {
	if slices.Contains(c.ends, sig) {
		c.told.Store(true)
		return unix.Kill(-c.pid, sig)
	}
	if c.leash && sig == syscall.SIGKILL {
		unix.Kill(-c.pid, sig) // the worker itself may have left the group
	}
	return unix.Kill(c.pid, sig)
}

func (c *child) Wait() error {
	err := c.execError()
	c.await(c.pid)
	if c.ends != nil {
		c.awaitGroup()
	}
	return err
}

// awaitGroup blocks until the process group of a worker that has ended is
// empty.
func (c *child) awaitGroup() {
	const shortest, longest = 5 * time.Millisecond, 200 * time.Millisecond
	if !c.told.Load() {
		unix.Kill(-c.pid, syscall.SIGKILL)
	}
	for pause := shortest; groupLives(c.pid); pause = min(2*pause, longest) {
		time.Sleep(pause)
	}
}

func (c *child) Ended() bool { return c.seen(c.pid) }

// Reap ends what is left of the process group first: as long as its leader
// is a zombie, no other group can have its number.
func (c *child) Reap() syscall.WaitStatus {
	if c.leash {
		unix.Kill(-c.pid, syscall.SIGKILL)
	}
	if c.guard != nil {
		c.guard.forget(c.pid)
	}
	return c.collect(c.pid)
}

// reap waits for a child to end, and lets go of its pid.
func reap(pid int) syscall.WaitStatus {
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			return syscall.WaitStatus(status)
		}
	}
}
