//go:build !linux

package starter

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// exit would be the end of a process that is no child. Without pidfds its
// lock on the pid file has to do, which it gives up just before.
type exit struct{}

func exitOf(int) *exit     { return &exit{} }
func (e *exit) seen() bool { return true }
func (e *exit) close()     {}

func (e *exit) signal(pid int, sig syscall.Signal) error { return unix.Kill(pid, sig) }
