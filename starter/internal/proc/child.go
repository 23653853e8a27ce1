// Package proc starts, watches and ends the processes of workers, and reads
// what /proc shows of processes.
package proc

import (
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Child is a running worker, a child process of this process.
type Child struct {
	Spec
	pid    int
	report int         // read end of the exec stage's report, or -1
	told   atomic.Bool // a signal of GroupSignals was sent
	exit
}

// PID returns the process ID.
func (c *Child) PID() int { return c.pid }

// Signal sends a signal to the worker, or to its process group.
func (c *Child) Signal(sig syscall.Signal) error {
	if slices.Contains(c.GroupSignals, sig) {
		c.told.Store(true)
		return unix.Kill(-c.pid, sig)
	}
	if c.KillDescendants && sig == syscall.SIGKILL {
		unix.Kill(-c.pid, sig) // the worker itself may have left the group
	}
	return unix.Kill(c.pid, sig)
}

// Stop sends a stop signal to the worker, or to its process group, and continues
// stopped processes, which could not handle the signal.
func (c *Child) Stop(sig syscall.Signal) error {
	err := c.Signal(sig)
	if slices.Contains(c.GroupSignals, sig) {
		unix.Kill(-c.pid, syscall.SIGCONT)
	} else {
		unix.Kill(c.pid, syscall.SIGCONT)
	}
	return err
}

// Wait blocks until the worker has exited, and returns the error that kept it
// from becoming its program, if any. The worker remains a zombie until Reap, so
// that its pid is not reused while the loop still signals it.
func (c *Child) Wait() error {
	err := c.execError()
	c.await(c.pid)
	if c.GroupSignals != nil {
		c.awaitGroup()
	}
	return err
}

// awaitGroup blocks until the process group of an exited worker is empty. The
// group is killed unless it got a stop signal.
func (c *Child) awaitGroup() {
	const shortest, longest = 5 * time.Millisecond, 200 * time.Millisecond
	if !c.told.Load() {
		unix.Kill(-c.pid, syscall.SIGKILL)
	}
	for pause := shortest; groupLives(c.pid); pause = min(2*pause, longest) {
		time.Sleep(pause)
	}
}

// Ended reports whether the worker has exited. It does not block. It may report
// false on systems without waitid(2) in golang.org/x/sys/unix.
func (c *Child) Ended() bool { return c.seen(c.pid) }

// Reap releases the pid of a worker and returns its exit status. Call it after
// Wait. It kills the rest of the process group first: no other group can have
// that number while its leader is a zombie.
func (c *Child) Reap() syscall.WaitStatus {
	if c.KillDescendants {
		unix.Kill(-c.pid, syscall.SIGKILL)
	}
	if c.Guard != nil {
		c.Guard.forget(c.pid)
	}
	return c.collect(c.pid)
}

// Reap waits for a child process to exit, and releases its pid.
func Reap(pid int) syscall.WaitStatus {
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			return syscall.WaitStatus(status)
		}
	}
}
