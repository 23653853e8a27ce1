package starter

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"golang.org/x/sys/unix"
)

// A ledger holds every socket that is kept: those of the options, which stay
// for good, and those that workers bound themselves and gave, which stay as
// long as the current generation, or one that may become it, uses them.
type ledger struct {
	own   []*socket
	given []*given
	zeros map[int]zero // by generation: the port 0 that it wanted last, and was not given
}

type given struct {
	*socket
	users map[int]bool // generations that gave or wanted it
	zero  zero         // what was asked for, if the kernel chose the port
}

// zero is a port 0 that a worker asks for.
type zero struct {
	host string // network and host
	key  string // who asks; "": unknown
}

// site is the place in the program that asks. Several goroutines may be there.
func (z zero) site() string {
	site, _, _ := strings.Cut(z.key, ".")
	return z.host + " " + site
}

// late reports whether another goroutine has asked there before.
func (z zero) late() bool {
	_, goroutine, ok := strings.Cut(z.key, ".")
	return ok && goroutine != "0"
}

// offered lists the inodes of the sockets that every worker inherits, and
// that a server would wait on.
func (l *ledger) offered() []uint64 {
	var inodes []uint64
	for _, s := range l.own {
		if s.stream() {
			inodes = append(inodes, s.inode)
		}
	}
	return inodes
}

// streams lists the inodes of all sockets that a server would wait on.
func (l *ledger) streams() []uint64 {
	inodes := l.offered()
	for _, g := range l.given {
		inodes = append(inodes, g.inode)
	}
	return inodes
}

// inodes lists all kept sockets.
func (l *ledger) inodes() []uint64 {
	inodes := l.streams()
	for _, s := range l.own {
		if !s.stream() {
			inodes = append(inodes, s.inode)
		}
	}
	return inodes
}

// find returns the socket with this inode, or nil if it is not kept.
func (l *ledger) find(inode uint64) *socket {
	for _, s := range l.own {
		if s.inode == inode {
			return s
		}
	}
	for _, g := range l.given {
		if g.inode == inode {
			return g.socket
		}
	}
	return nil
}

// want returns the socket that a worker of this generation shall have
// instead of binding the address itself, or nil. Port 0 is one that the kernel
// chose for a generation before: each generation gets those that were asked for
// by the same place of the program, in the order in which they came.
func (l *ledger) want(generation int, network, address string) *socket {
	delete(l.zeros, generation)
	if !isUnix(network) {
		at, key, _ := strings.Cut(address, " ")
		if host, ok := strings.CutSuffix(at, ":0"); ok {
			return l.wantZero(generation, zero{network + " " + host, key})
		}
	}
	for _, exact := range []bool{true, false} {
		for _, s := range l.own {
			if s.covers(network, address) && (!exact || s.local == address) && s.reachable() {
				return s
			}
		}
	}
	for _, g := range l.given {
		if g.Network == network && g.named(address) && g.reachable() {
			g.users[generation] = true
			return g.socket
		}
	}
	if isUnix(network) {
		unixpath.RemoveStale(address)
	}
	return nil
}

// overlaps reports whether two sockets can't both listen without SO_REUSEPORT,
// though their addresses differ.
func (s *socket) overlaps(to netip.AddrPort) bool {
	from := s.bound
	return s.stream() && from.IsValid() && from.Port() == to.Port() && from.Addr() != to.Addr() &&
		(from.Addr().IsUnspecified() || to.Addr().IsUnspecified())
}

// overlapped reports whether a socket is kept for workers whose address overlaps.
func (l *ledger) overlapped(network, address string) bool {
	at, _, _ := strings.Cut(address, " ")
	to, err := netip.ParseAddrPort(at)
	return err == nil && !isUnix(network) && slices.ContainsFunc(l.given, func(g *given) bool { return g.overlaps(to) })
}

// overlapping lists the sockets whose addresses overlap that of another.
func (l *ledger) overlapping(inode uint64) (others []uint64) {
	socket := l.find(inode)
	for _, g := range l.given {
		if socket != nil && g.overlaps(socket.bound) {
			others = append(others, g.inode)
		}
	}
	return others
}

// giveWay closes, for older workers too, those sockets that a generation does
// not use, and whose addresses overlap that of one it does.
func (l *ledger) giveWay(generation int) (closed []uint64) {
	l.given = slices.DeleteFunc(l.given, func(g *given) bool {
		if g.users[generation] || !slices.ContainsFunc(l.given, func(other *given) bool {
			return other != nil && other.users[generation] && g.overlaps(other.bound)
		}) {
			return false
		}
		closed = append(closed, g.inode)
		unix.Shutdown(g.fd, unix.SHUT_RDWR)
		g.close()
		return true
	})
	return closed
}

func (l *ledger) wantZero(generation int, z zero) *socket {
	for _, g := range l.given {
		if g.zero == z && !g.users[generation] {
			g.users[generation] = true
			return g.socket
		}
	}
	if l.zeros == nil {
		l.zeros = map[int]zero{}
	}
	l.zeros[generation] = z
	return nil
}

// keep takes over fd, a listening socket that a worker has bound, and returns
// it, and whether it is new: if not, fd is closed. It is closed too if it is
// not what it is said to be, or one socket too many.
func (l *ledger) keep(generation int, network, address string, fd int) (kept *socket, fresh bool, err error) {
	s := &socket{Address: Address{Network: network, FD: -1, Key: address}, fd: fd}
	err = s.verify(address)
	if err == nil && l.has(generation, s.inode) {
		unix.Close(fd)
		return l.find(s.inode), false, nil
	}
	if err == nil && len(l.given) >= maxGiven {
		err = fmt.Errorf("there are %d already", maxGiven)
	}
	if err != nil {
		unix.Close(fd)
		return nil, false, fmt.Errorf("keeping the socket of %s %s: %w", network, address, err)
	}
	g := &given{socket: s, users: map[int]bool{generation: true}}
	if s.unix() && !unixpath.IsAbstract(address) {
		if s.place = unixpath.Keep(address); s.place != nil {
			s.place.Owned = true // the worker leaves its removal to who keeps it
		}
	}
	if z := l.zeros[generation]; z.host != "" && strings.HasPrefix(network+" "+address, z.host+":") {
		g.zero = z
	}
	delete(l.zeros, generation)
	l.given = append(l.given, g)
	return s, true, nil
}

// doubtful lists the inodes of sockets of a generation for whose port 0 several
// goroutines have asked at one place: which of them comes first may be another
// one next time, and clients would meet the wrong server.
func (l *ledger) doubtful(generation int) (inodes []uint64) {
	for _, g := range l.given {
		if g.users[generation] && slices.ContainsFunc(l.given, func(other *given) bool {
			return other.users[generation] && other.zero.late() && other.zero.site() == g.zero.site()
		}) {
			inodes = append(inodes, g.inode)
		}
	}
	return inodes
}

// replaced closes the sockets that workers gave for a path which leads to s now, and
// returns their inodes: no client gets to them any more.
func (l *ledger) replaced(s *socket) (inodes []uint64) {
	l.given = slices.DeleteFunc(l.given, func(g *given) bool {
		if g.socket == s || s.place == nil || g.place == nil || !unixpath.Same(g.place.Name, s.place.Name) || g.reachable() {
			return false
		}
		g.close()
		inodes = append(inodes, g.inode)
		return true
	})
	return inodes
}

// has reports whether a socket is kept already, and notes who uses it.
func (l *ledger) has(generation int, inode uint64) bool {
	for _, s := range l.own {
		if s.inode == inode {
			return true
		}
	}
	for _, g := range l.given {
		if g.inode == inode {
			g.users[generation] = true
			return true
		}
	}
	return false
}

// verify makes sure that a descriptor from a worker is the listening socket
// that it is said to be.
func (s *socket) verify(address string) error {
	if listens, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return fmt.Errorf("it is not a listening socket")
	}
	if err := s.identify(); err != nil {
		return err
	}
	network, err := s.network()
	if err != nil {
		return err
	}
	networks := []string{"tcp", "tcp4", "tcp6"}
	if isUnix(network) {
		networks = []string{network}
	}
	if !slices.Contains(networks, s.Network) || !s.named(address) {
		return fmt.Errorf("it is bound to %q", s.local)
	}
	return nil
}

// named reports whether address is that of s. A relative path was bound in the
// worker's directory, which its absolute one tells.
func (s *socket) named(address string) bool {
	if s.local == address || !s.unix() {
		return s.local == address
	}
	if s.place != nil {
		return unixpath.Same(s.place.Name, address)
	}
	if filepath.IsAbs(s.local) || unixpath.IsAbstract(s.local) {
		return unixpath.Same(s.local, address)
	}
	return s.local != "" && filepath.Base(s.local) == filepath.Base(address)
}

// reachable reports whether clients get to s by its address.
func (s *socket) reachable() bool {
	if s.place == nil {
		return true
	}
	_, err := s.place.Restore()
	return err == nil
}

// settle closes what the current generation does not use, and returns the
// addresses.
func (l *ledger) settle(generation int) []Address {
	return l.drop(func(user int) bool { return user < generation })
}

// forget closes what only a generation used that never became current.
func (l *ledger) forget(generation int) {
	l.drop(func(user int) bool { return user == generation })
}

// usedBy lists the inodes of the sockets from workers that a generation uses.
func (l *ledger) usedBy(generation int) (inodes []uint64) {
	for _, g := range l.given {
		if g.users[generation] {
			inodes = append(inodes, g.inode)
		}
	}
	return inodes
}

// letGo closes a socket that a generation has closed, if no other one uses it, and
// returns its address.
func (l *ledger) letGo(generation int, inode uint64) (closed []Address) {
	l.given = slices.DeleteFunc(l.given, func(g *given) bool {
		if g.inode != inode {
			return false
		}
		delete(g.users, generation)
		if len(g.users) > 0 {
			return false
		}
		closed = append(closed, g.listens())
		g.close()
		return true
	})
	return closed
}

func (l *ledger) drop(gone func(generation int) bool) (closed []Address) {
	maps.DeleteFunc(l.zeros, func(generation int, _ zero) bool { return gone(generation) })
	l.given = slices.DeleteFunc(l.given, func(g *given) bool {
		for user := range g.users {
			if gone(user) {
				delete(g.users, user)
			}
		}
		if len(g.users) == 0 {
			g.close()
			closed = append(closed, g.listens())
			return true
		}
		return false
	})
	return closed
}

// close closes everything, and removes the paths that are still ours.
func (l *ledger) close() {
	closeAll(l.own)
	for _, g := range l.given {
		g.close()
	}
	l.own, l.given = nil, nil
}

// covers reports whether a program that binds this address can have s
// instead: it is the same one, or one of those that s is bound to.
func (s *socket) covers(network, address string) bool {
	if s.unix() {
		return s.Network == network && s.named(address)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !s.stream() || to.Port() != s.bound.Port() {
		return false
	}
	ip, bound := to.Addr(), s.bound.Addr()
	switch {
	case ip == bound:
		return true
	case !bound.IsUnspecified():
		return ip.IsUnspecified() && (network == "tcp" || ip.Is4() == bound.Is4()) // the user's will narrows it down
	case ip.IsUnspecified() && network == "tcp":
		return true // half of what it wants, by the user's will
	}
	return s.Network == "tcp" || ip.Is4() == bound.Is4()
}
