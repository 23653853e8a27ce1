package starter

import "golang.org/x/sys/unix"

// newSocket returns a blocking socket that no child inherits by accident.
func newSocket(family, kind int) (int, error) {
	return unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
}

// newPair returns the two ends of a stream socket pair.
func newPair() ([2]int, error) {
	return unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
}

// newConn accepts a connection, which no child inherits by accident.
func newConn(listener int) (int, error) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	return fd, err
}

// dup makes a descriptor a copy of another that children inherit.
func dup(from, to int) error { return unix.Dup3(from, to, 0) }
