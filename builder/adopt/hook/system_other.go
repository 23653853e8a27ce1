//go:build !linux

package hook

import "syscall"

// hotstartReusePort is SO_REUSEPORT. On these systems two sockets that both
// have it can listen at one address, whoever else is there: a second hotstart
// is not told that the address is in use.
func hotstartReusePort() int { return syscall.SO_REUSEPORT }

// hotstartPutOffPort can't be done here: port 0 is another port in each
// generation.
func hotstartPutOffPort(int) {}

// hotstartReplace makes fd the socket from. The lock keeps a child from
// being started before fd is close-on-exec.
func hotstartReplace(from, fd int) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := syscall.Dup2(from, fd); err != nil {
		return err
	}
	syscall.CloseOnExec(fd)
	return nil
}
