//go:build !linux

package starter

import (
	"os"
	"syscall"
)

// self is this process's own program.
func self() (string, error) { return os.Executable() }

// attributes make a worker on a leash: a process group of its own. Without
// a parent-death signal the guard alone ends it when this process is killed.
func attributes(leash bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: leash}
}

// ending waits for a child, and keeps how it ended.
type ending struct{ status syscall.WaitStatus }

// await blocks until the child has ended. Where golang.org/x/sys/unix has
// no waitid(2) with WNOWAIT, the pid is free from then on, and a signal sent
// at that very moment could meet another process.
func (e *ending) await(pid int) { e.status = reap(pid) }

// seen reports no end before await does.
func (e *ending) seen(int) bool { return false }

func (e *ending) collect(int) syscall.WaitStatus { return e.status }

// adoptOrphans can't be had: orphans go to init, and the guard finds those
// that stayed in their process group.
func adoptOrphans() error { return nil }
