package sock

import "golang.org/x/sys/unix"

// newSocket returns a blocking socket. A forked child does not inherit it.
func newSocket(family, kind int) (int, error) {
	return unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
}

// accept accepts a connection. A forked child does not inherit it.
func accept(listener int) (int, error) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	return fd, err
}
