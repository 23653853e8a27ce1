package starter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// An Instance is a superdaemon that runs as another process, known by the
// lock on its pid file.
type Instance struct {
	PID   int
	file  *os.File
	pidfd proc.Pidfd
}

// glance is how often a file of another process is looked at.
const glance = 20 * time.Millisecond

// Find returns the superdaemon that holds a pid file. A file whose lock
// nobody holds is left over, and its pid may be anybody's by now: that is an
// error, and so is a file that names another process than the superdaemon
// which holds it. Close the Instance after use.
func Find(pidFile string) (*Instance, error) {
	f, err := openPIDFile(pidFile, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("reading the pid file: %w", err)
	}
	i := &Instance{file: f}
	i.PID, err = readPID(f)
	i.pidfd = proc.OpenPidfd(i.PID) // before it is known to live, so that it is its own
	if err == nil && i.ended() {
		err = fmt.Errorf("no server runs: nobody holds the pid file %s", pidFile)
	}
	if err == nil {
		err = verify(f, i.PID)
	}
	if err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// Close lets go of the pid file.
func (i *Instance) Close() {
	i.file.Close()
	i.pidfd.Close()
}

// Stop ends the superdaemon as SIGTERM does, and waits until it is gone: not
// only its lock, where the kernel can tell.
func (i *Instance) Stop(ctx context.Context) error {
	if err := i.signal(syscall.SIGTERM); err != nil {
		return err
	}
	for late := false; !i.ended() || !i.pidfd.Exited(); late = !sleep(ctx.Done(), glance) {
		if late { // and the last look came after that
			return fmt.Errorf("stopping pid %d: it still runs: %w", i.PID, context.Cause(ctx))
		}
	}
	return nil
}

// Restart reloads the superdaemon as SIGHUP does, and waits until its status
// file has a newer generation and no older one.
func (i *Instance) Restart(ctx context.Context, statusFile string) error {
	before, err := readStatus(statusFile)
	if err != nil {
		return err
	}
	if len(before) == 0 {
		return fmt.Errorf("restarting pid %d: the status file %s has no worker", i.PID, statusFile)
	}
	if err := i.signal(syscall.SIGHUP); err != nil {
		return err
	}
	last := newest(before)
	for late := false; ; late = !sleep(ctx.Done(), glance) {
		now, err := readStatus(statusFile)
		if err == nil && i.ended() {
			err = errors.New("it has ended")
		}
		if err != nil {
			return fmt.Errorf("restarting pid %d: %w", i.PID, err)
		}
		old := olderThan(now, last+1)
		if newest(now) > last && len(old) == 0 {
			return nil
		}
		if late { // and the last look came after that
			return fmt.Errorf("restarting pid %d: %s: %w", i.PID, standing(now, old, last), context.Cause(ctx))
		}
	}
}

// standing says what a restart waits for.
func standing(now, old []Worker, last int) string {
	if newest(now) > last {
		return fmt.Sprintf("worker %d is up, but the older %s still there", newest(now), are(old))
	}
	return fmt.Sprintf("no worker newer than %d came up (its log says why; it keeps trying)", last)
}

func are(workers []Worker) string {
	if len(workers) == 1 {
		return workers[0].String() + " is"
	}
	return names(workers) + " are"
}

func newest(workers []Worker) int {
	n := 0
	for _, w := range workers {
		n = max(n, w.Generation)
	}
	return n
}

func olderThan(workers []Worker, generation int) []Worker {
	var old []Worker
	for _, w := range workers {
		if w.Generation < generation {
			old = append(old, w)
		}
	}
	return old
}

func (i *Instance) signal(sig syscall.Signal) error {
	if err := i.pidfd.Signal(i.PID, sig); err != nil {
		return fmt.Errorf("sending %s to pid %d: %w", SignalName(sig), i.PID, err)
	}
	return nil
}

// ended reports whether nobody holds the lock any more.
func (i *Instance) ended() bool {
	fd := int(i.file.Fd())
	if unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB) != nil {
		return false
	}
	unix.Flock(fd, unix.LOCK_UN)
	return true
}
