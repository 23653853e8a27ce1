//go:build !linux

package starter

import (
	"os"
	"syscall"
)

// lastSignal is SIGUSR2, of macOS and the BSDs.
const lastSignal = 31

// self is this process's own program.
func self() (string, error) { return os.Executable() }

// attributes give a worker a process group of its own. Without a parent-death
// signal the guard alone ends one on a leash when this process is killed.
func attributes(leash, group bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: leash || group}
}

// groupLives reports whether a process group has a process. Its leader is
// not a zombie any more: await has reaped it.
func groupLives(group int) bool { return syscall.Kill(-group, 0) == nil }

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
