package starter

import (
	"fmt"
	"os"
	"strconv"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"golang.org/x/sys/unix"
)

// ActivationSockets takes the listening sockets that a service manager has given to
// this process in LISTEN_FDS, for Options.Inherited. The variables are unset
// (sd_listen_fds(3)). There are none if they are for another process.
//
// The package activation of go-systemd is not used, since it makes an
// os.File of each socket, see socket.
func ActivationSockets() ([]int, error) {
	count, pid := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID")
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("reading LISTEN_FDS: %q is not a number of sockets", count)
	}
	var fds []int
	for fd := firstFD; fd < firstFD+int(n); fd++ {
		unix.CloseOnExec(fd)
		fds = append(fds, fd)
	}
	return fds, nil
}

// inherit makes sockets of descriptors that this process was given. They
// are put into blocking mode, as those that are made here: no worker shares
// them yet.
func inherit(fds []int) ([]*socket, error) {
	var sockets []*socket
	for _, fd := range fds {
		s := &socket{fd: fd, Address: Address{FD: -1}}
		err := s.identify()
		if err != nil {
			return nil, fmt.Errorf("using the inherited descriptor %d: %w", fd, err)
		}
		if s.Network, err = s.network(); err == nil {
			err = unix.SetNonblock(fd, false)
		}
		if err != nil {
			return nil, fmt.Errorf("using the inherited descriptor %d: %w", fd, err)
		}
		s.Key = s.local // until it is known which option means it
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// network is what the kernel says, without regard to dual stack.
func (s *socket) network() (string, error) {
	kind, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TYPE)
	name := "tcp"
	if kind == unix.SOCK_DGRAM {
		name = "udp"
	}
	switch {
	case !s.bound.IsValid() && kind == unix.SOCK_SEQPACKET:
		return "unixpacket", err
	case !s.bound.IsValid():
		return "unix", err
	case s.bound.Addr().Is4():
		return name + "4", err
	}
	return name + "6", err
}

// means reports whether an inherited socket is what binding a would give.
func (s *socket) means(a Address) bool {
	if s.unix() || isUnix(a.Network) {
		return s.Network == a.Network && unixpath.Same(s.local, a.Path)
	}
	ip, err := a.resolve()
	if err != nil || a.Port == 0 || int(s.bound.Port()) != a.Port || s.Network[:3] != a.Network[:3] {
		return false
	}
	// What a service manager binds for a bare port is dual stack as a rule.
	anyAddress := a.Host == "" && s.bound.Addr().IsUnspecified()
	return anyAddress || s.bound.Addr() == ip
}

// adopt takes the inherited socket that means a out of those that are left.
func adopt(a Address, inherited *[]*socket) *socket {
	for i, s := range *inherited {
		if s != nil && s.means(a) {
			(*inherited)[i] = nil
			s.Address = a
			if s.unix() && !unixpath.IsAbstract(a.Path) {
				s.place = unixpath.Keep(a.Path) // which who bound it removes
			}
			return s
		}
	}
	return nil
}
