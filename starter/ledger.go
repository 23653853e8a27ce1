package starter

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// A ledger holds every socket that is kept: those of the options, which stay
// for good, and those that workers bound themselves and gave, which stay as
// long as the current generation, or one that may become it, uses them.
type ledger struct {
	own   []*socket
	given []*given
}

type given struct {
	*socket
	users map[int]bool // generations that gave or wanted it
}

// want returns the socket that a worker of this generation shall have
// instead of binding the address itself, or nil.
func (l *ledger) want(generation int, network, address string) *socket {
	for _, s := range l.own {
		if s.covers(network, address) {
			return s
		}
	}
	for _, g := range l.given {
		if g.Network == network && g.name() == address {
			g.users[generation] = true
			return g.socket
		}
	}
	return nil
}

// keep takes over fd, a listening socket that a worker has bound. It closes
// fd if it is not what it is said to be, or one socket too many.
func (l *ledger) keep(generation int, network, address string, fd int) error {
	s := &socket{Address: Address{Network: network, FD: -1, Key: address}, fd: fd}
	if network == "unix" {
		s.Path = address
	}
	err := s.verify(address)
	if err == nil && len(l.given) >= maxGiven {
		err = fmt.Errorf("there are %d already", maxGiven)
	}
	if err != nil {
		unix.Close(fd)
		return fmt.Errorf("keeping the socket of %s %s: %w", network, address, err)
	}
	l.given = append(l.given, &given{socket: s, users: map[int]bool{generation: true}})
	return nil
}

// verify makes sure that a descriptor from a worker is the listening socket
// that it is said to be.
func (s *socket) verify(address string) error {
	if listens, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return fmt.Errorf("it is no listening socket")
	}
	if err := s.identify(); err != nil {
		return err
	}
	if s.Network != "unix" && s.bound.String() != address {
		return fmt.Errorf("it is bound to %v", s.bound)
	}
	return nil
}

// settle closes what the new current generation does not use.
func (l *ledger) settle(generation int) {
	l.drop(func(user int) bool { return user < generation })
}

// forget closes what only a generation used that never became current.
func (l *ledger) forget(generation int) {
	l.drop(func(user int) bool { return user == generation })
}

func (l *ledger) drop(gone func(generation int) bool) {
	l.given = slices.DeleteFunc(l.given, func(g *given) bool {
		for user := range g.users {
			if gone(user) {
				delete(g.users, user)
			}
		}
		if len(g.users) == 0 {
			unix.Close(g.fd)
			return true
		}
		return false
	})
}

// close closes everything, and removes the paths that are still ours.
func (l *ledger) close() {
	closeAll(l.own)
	for _, g := range l.given {
		unix.Close(g.fd)
	}
	l.own, l.given = nil, nil
}

// name is the address as getsockname(2) gives it.
func (g *given) name() string {
	if g.Network == "unix" {
		return g.Path
	}
	return g.bound.String()
}

// covers reports whether a program that binds this address can have s
// instead: the same one, or every address of the same port.
func (s *socket) covers(network, address string) bool {
	if s.Network == "unix" || network == "unix" {
		return s.Network == network && s.Path == address
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || !s.stream() || to.Port() != s.bound.Port() {
		return false
	}
	if to.Addr() == s.bound.Addr() {
		return s.Network == network || network == "tcp" || s.Network == "tcp"
	}
	if !s.bound.Addr().IsUnspecified() {
		return false
	}
	return s.Network == "tcp" || network == "tcp" || s.Network == network
}
