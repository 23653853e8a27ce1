package sock

import (
	"fmt"
	"os"
	"strconv"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

// Activated returns the descriptors of the listening sockets that a service
// manager has passed to this process in LISTEN_FDS (sd_listen_fds(3)), and unsets
// the variables. It returns none if the variables are for another process.
//
// Package activation of go-systemd makes an os.File of each socket; see Socket.
func Activated() ([]int, error) {
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

// Inherit makes sockets of inherited descriptors. It sets blocking mode, as new
// sockets have it: no worker shares them yet.
func Inherit(fds []int) ([]*Socket, error) {
	var sockets []*Socket
	for _, fd := range fds {
		s := &Socket{Descriptor: fd, Address: Address{FD: -1}}
		err := s.identify()
		if err == nil {
			s.Network, err = s.network()
		}
		if err == nil {
			err = unix.SetNonblock(fd, false)
		}
		if err != nil {
			return nil, fmt.Errorf("using the inherited descriptor %d: %w", fd, err)
		}
		s.Key = s.Local // until the option that matches is known
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// takeInherited removes the inherited socket that matches a from the list, and
// returns it, or nil.
func takeInherited(a Address, inherited *[]*Socket) *Socket {
	for i, s := range *inherited {
		if s != nil && s.matches(a) {
			(*inherited)[i] = nil
			s.Address = a
			if s.isUnix() && !wire.IsAbstract(a.Path) {
				s.Place = unixpath.Keep(a.Path) // the process that bound the path removes it
			}
			return s
		}
	}
	return nil
}

// matches reports whether an inherited socket is bound as binding a would do.
func (s *Socket) matches(a Address) bool {
	if s.isUnix() || isUnix(a.Network) {
		return s.Network == a.Network && wire.SameUnix(s.Local, a.Path)
	}
	ip, err := a.resolve()
	if err != nil || a.Port == 0 || int(s.Bound.Port()) != a.Port || s.Network[:3] != a.Network[:3] {
		return false
	}
	// A service manager usually binds a port without a host as dual stack.
	anyAddress := a.Host == "" && s.Bound.Addr().IsUnspecified()
	return anyAddress || s.Bound.Addr() == ip
}
