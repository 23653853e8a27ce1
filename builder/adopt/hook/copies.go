package hook

import (
	"strconv"
	"syscall"
)

// A program may copy a connection that it has accepted, by its File method, and close the
// original: of the copy no hook tells. It is found among all descriptors, by its address.

// hotstartServed returns where the program has accepted connections.
func hotstartServed() map[string]bool {
	served := map[string]bool{}
	hotstartAny(func(fd int, is uint32) bool {
		if place := hotstartPlace(fd); is&hotstartSeen != 0 && place != "" {
			served[place] = true
		}
		return false
	})
	return served
}

// hotstartPlace is the port or the path that a socket is bound to, "" for any other socket.
func hotstartPlace(fd int) string {
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return ""
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return strconv.Itoa(name.Port)
	case *syscall.SockaddrInet6:
		return strconv.Itoa(name.Port)
	case *syscall.SockaddrUnix:
		return name.Name
	}
	return ""
}

// hotstartHasCopies reports whether the program has a connection to a place of served, the
// other side of which has not closed it: a copy that was forgotten is not waited for.
func hotstartHasCopies(served map[string]bool) bool {
	found, _ := hotstartFind(func(fd int) bool {
		if !served[hotstartPlace(fd)] {
			return false
		}
		if _, err := syscall.Getpeername(fd); err != nil {
			return false
		}
		n, _, err := syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return n > 0 || err == syscall.EAGAIN
	})
	return found
}

// hotstartFind reports whether some descriptor of this process is as fits says. Package os
// would close what it reads with, and call hooks.
func hotstartFind(fits func(fd int) bool) (bool, error) {
	dir, err := syscall.Open("/dev/fd", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer syscall.Close(dir)
	buf := make([]byte, 8192)
	for {
		n, err := syscall.ReadDirent(dir, buf)
		if err != nil || n <= 0 {
			return false, err
		}
		_, _, names := syscall.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if fd, err := strconv.Atoi(name); err == nil && fits(fd) {
				return true, nil
			}
		}
	}
}
