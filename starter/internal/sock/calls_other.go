//go:build !linux

package sock

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// newSocket returns a blocking socket. A forked child does not inherit it: the fork
// lock is held until the socket is close-on-exec.
func newSocket(family, kind int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

// accept accepts a connection. A forked child does not inherit it.
func accept(listener int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, _, err := unix.Accept(listener)
	if err == nil {
		unix.CloseOnExec(fd)
		err = unix.SetNonblock(fd, true)
	}
	return fd, err
}
