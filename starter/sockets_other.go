//go:build !linux

package starter

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// newSocket returns a blocking socket that no child inherits by accident.
// Where the kernel can't do both at once, the fork lock keeps a child from
// coming in between.
func newSocket(family, kind int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

// newPair returns the two ends of a stream socket pair.
func newPair() ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	return pair, err
}

// newConn accepts a connection, which no child inherits by accident.
func newConn(listener int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, _, err := unix.Accept(listener)
	if err == nil {
		unix.CloseOnExec(fd)
		err = unix.SetNonblock(fd, true)
	}
	return fd, err
}

// dup makes a descriptor a copy of another that children inherit.
func dup(from, to int) error { return unix.Dup2(from, to) }
