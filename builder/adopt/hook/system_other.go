//go:build !linux

package hook

import (
	"syscall"
)

// hotstartReusePort returns SO_REUSEPORT. On these systems two sockets that both have the option can listen on one
// address, also in different programs: a second hotstart does not find the address in use.
func hotstartReusePort() int { return syscall.SO_REUSEPORT }

// hotstartDelayPort does nothing on these systems: port 0 becomes another port in each generation.
func hotstartDelayPort(int) {}

// hotstartReplace makes fd a copy of from. The lock prevents that a child is started before fd is close-on-exec.
func hotstartReplace(from, fd int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Dup2(from, fd); err != nil {
		return err
	}
	syscall.CloseOnExec(fd)
	return nil
}

// hotstartChildren is empty on these systems, which have no /proc/PID/fd: children of the program do not drain.
type hotstartChildren struct{}

func (*hotstartWorker) makePipes()          {}
func (*hotstartChildren) drain()            {}
func (*hotstartChildren) haveDrained() bool { return true }
func hotstartFollowParent() *hotstartWorker { return nil }
