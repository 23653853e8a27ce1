// Package proc starts, watches and ends the processes of workers, and reads
// what /proc shows of processes.
package proc

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Child is a running worker, a child process of this process.
type Child struct {
	Spec
	pid    int
	report *os.File           // read end of the exec stage's report; nil: there is no stage
	told   atomic.Bool        // a signal of GroupSignals was sent
	status syscall.WaitStatus // once the worker is reaped

	mu      sync.Mutex
	staging bool     // the exec stage has not become the program; guarded by mu
	held    []func() // send the signals that wait for that, in order; guarded by mu
}

// PID returns the process ID.
func (c *Child) PID() int { return c.pid }

// Signal sends a signal to the worker, or to its process group.
//
// A signal other than SIGKILL waits until the exec stage has become the program,
// since the stage may lose it: execve(2) ends all other threads, and one of them
// may have just received the signal in the handler of the Go runtime.
func (c *Child) Signal(sig syscall.Signal) error { return c.afterExec(sig, c.signal) }

// Stop sends a stop signal as Signal does, and continues stopped processes, which
// could not handle the signal.
func (c *Child) Stop(sig syscall.Signal) error { return c.afterExec(sig, c.stop) }

// afterExec calls send with a signal, now or when the exec stage has become the
// program.
func (c *Child) afterExec(sig syscall.Signal, send func(syscall.Signal) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.staging && sig != syscall.SIGKILL {
		c.held = append(c.held, func() { send(sig) })
		return unix.Kill(c.pid, syscall.SIGCONT) // a stopped stage would never become the program
	}
	return send(sig)
}

// release sends the signals that have waited for the program.
func (c *Child) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.staging = false
	for _, send := range c.held {
		send()
	}
	c.held = nil
}

func (c *Child) signal(sig syscall.Signal) error {
	if slices.Contains(c.GroupSignals, sig) {
		c.told.Store(true)
		return unix.Kill(-c.pid, sig)
	}
	if c.KillDescendants && sig == syscall.SIGKILL {
		unix.Kill(-c.pid, sig) // the worker itself may have left the group
	}
	return unix.Kill(c.pid, sig)
}

func (c *Child) stop(sig syscall.Signal) error {
	err := c.signal(sig)
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
	c.release()
	c.await()
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
	c.collect()
	return c.status
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
