package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/internal/proc"
)

// A Process is another process that runs a superdaemon, identified by the lock
// on its pid file. Make it with Open.
type Process struct {
	PID     int
	file    *os.File
	process *os.Process
}

// pollInterval is the time between two looks at a file of the other process.
const pollInterval = 20 * time.Millisecond

// Open finds the superdaemon that holds a pid file. It returns an error if
// nobody holds the lock, since the pid may be that of another process by now, or
// if the file names a process that is not the superdaemon which holds it. Close
// the Process after use.
func Open(pidFile string) (*Process, error) {
	f, err := openPIDFile(pidFile, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("reading the pid file: %w", err)
	}
	p := &Process{file: f}
	if p.PID, err = readPID(f); err == nil {
		p.process, err = os.FindProcess(p.PID) // before the lock is checked, so that it is the holder
	}
	if err == nil && p.unlocked() {
		err = fmt.Errorf("no server runs: nobody holds the pid file %s", pidFile)
	}
	if err == nil {
		err = verify(f, p.PID)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close closes the pid file. The other process is not affected.
func (p *Process) Close() {
	p.file.Close()
	if p.process != nil {
		p.process.Release()
	}
}

// Stop stops the superdaemon by SIGTERM, and waits until it has released the
// lock and, where the kernel can tell, exited.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	for late := false; !p.unlocked() || !proc.Exited(p.PID); late = !pause(ctx) {
		if late { // and the last look came after that
			return fmt.Errorf("stopping pid %d: it still runs: %w", p.PID, context.Cause(ctx))
		}
	}
	return nil
}

// Restart reloads the superdaemon by SIGHUP, and waits until its status file
// lists a newer generation and no older one, or shows that the reload has failed.
func (p *Process) Restart(ctx context.Context, statusFile string) error {
	before, err := readStatus(statusFile)
	if err != nil {
		return err
	}
	if len(before.workers) == 0 {
		return fmt.Errorf("restarting pid %d: the status file %s has no worker", p.PID, statusFile)
	}
	if err := p.signal(syscall.SIGHUP); err != nil {
		return err
	}
	last := newest(before.workers)
	for late := false; ; late = !pause(ctx) {
		now, err := readStatus(statusFile)
		switch {
		case err != nil:
		case p.unlocked():
			err = errors.New("it has ended")
		case now.repeats(before):
			err = errors.New("the reload has failed (its log says why)")
		}
		if err != nil {
			return fmt.Errorf("restarting pid %d: %w", p.PID, err)
		}
		top := newest(now.workers)
		old := slices.DeleteFunc(slices.Clone(now.workers), func(w starter.Worker) bool { return w.Generation > last })
		if top > last && len(old) == 0 {
			return nil
		}
		if late { // and the last look came after that
			waits := fmt.Sprintf("no worker newer than %d came up (its log says why; it keeps trying)", last)
			if top > last {
				waits = fmt.Sprintf("worker %d is up, but the older %v is still there", top, old[0])
			}
			return fmt.Errorf("restarting pid %d: %s: %w", p.PID, waits, context.Cause(ctx))
		}
		before = now
	}
}

// newest returns the highest generation, or 0.
func newest(workers []starter.Worker) (generation int) {
	for _, w := range workers {
		generation = max(generation, w.Generation)
	}
	return generation
}

func (p *Process) signal(sig syscall.Signal) error {
	if err := p.process.Signal(sig); err != nil {
		return fmt.Errorf("sending %s to pid %d: %w", starter.SignalName(sig), p.PID, err)
	}
	return nil
}

// unlocked reports whether no process holds the lock any more.
func (p *Process) unlocked() bool {
	fd := int(p.file.Fd())
	if unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) != nil {
		return false
	}
	unix.Flock(fd, unix.LOCK_UN)
	return true
}

// pause waits for pollInterval. It reports false if ctx was done before.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pollInterval):
		return true
	}
}
