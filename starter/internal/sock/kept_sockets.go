package sock

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

// maxGiven is the maximum number of sockets from workers in a table.
const maxGiven = 64

// A Table holds every kept socket: the sockets of the options, which stay until
// close, and the sockets that workers have bound and given, which stay as long as
// the current generation, or one that may become current, uses them.
type Table struct {
	Own           []*Socket // of the options
	Given         []*given
	ephemeralWant map[int]ephemeral // by generation: the last port 0 that was wanted and not found
}

// given is a socket from a worker.
type given struct {
	*Socket
	users     map[int]bool // generations that have given or wanted it
	ephemeral ephemeral    // what was wanted, if the kernel has chosen the port
}

// ephemeral is a port 0 that a worker asks for.
type ephemeral struct {
	host string // network and host
	key  string // place in the program and goroutine that ask, "place.0"; "": unknown
}

// site returns the place in the program that asks. Several goroutines may ask at
// one place.
func (e ephemeral) site() string {
	site, _, _ := strings.Cut(e.key, ".")
	return e.host + " " + site
}

// isLate reports whether another goroutine has asked at the same place before.
func (e ephemeral) isLate() bool {
	_, goroutine, ok := strings.Cut(e.key, ".")
	return ok && goroutine != "0"
}

// All lists every socket.
func (t *Table) All() []*Socket {
	all := slices.Clone(t.Own)
	for _, g := range t.Given {
		all = append(all, g.Socket)
	}
	return all
}

// Offered lists the inodes of the stream sockets of the options, which every
// worker inherits.
func (t *Table) Offered() []uint64 { return streams(t.Own) }

// Streams lists the inodes of all stream sockets.
func (t *Table) Streams() []uint64 { return streams(t.All()) }

func streams(sockets []*Socket) (inodes []uint64) {
	for _, s := range sockets {
		if s.IsStream() {
			inodes = append(inodes, s.Inode)
		}
	}
	return inodes
}

// Inodes lists the inodes of all sockets.
func (t *Table) Inodes() (inodes []uint64) {
	for _, s := range t.All() {
		inodes = append(inodes, s.Inode)
	}
	return inodes
}

// Find returns the socket with this inode, or nil.
func (t *Table) Find(inode uint64) *Socket {
	for _, s := range t.All() {
		if s.Inode == inode {
			return s
		}
	}
	return nil
}

// Want returns the socket that a worker of this generation gets instead of binding
// the address itself, or nil. For port 0 it returns the sockets that the same
// place of the program has asked for in an earlier generation, in the same order.
func (t *Table) Want(generation int, network, address string) *Socket {
	delete(t.ephemeralWant, generation)
	if !isUnix(network) {
		at, key, _ := strings.Cut(address, " ")
		if host, ok := strings.CutSuffix(at, ":0"); ok {
			return t.wantEphemeral(generation, ephemeral{network + " " + host, key})
		}
	}
	for _, exact := range []bool{true, false} {
		for _, s := range t.Own {
			if s.satisfies(network, address) && (!exact || s.Local == address) && s.isReachable() {
				return s
			}
		}
	}
	for _, g := range t.Given {
		if g.Network == network && g.hasAddress(address) && g.isReachable() {
			g.users[generation] = true
			return g.Socket
		}
	}
	if isUnix(network) {
		unixpath.RemoveStale(address)
	}
	return nil
}

func (t *Table) wantEphemeral(generation int, e ephemeral) *Socket {
	for _, g := range t.Given {
		if g.ephemeral == e && !g.users[generation] {
			g.users[generation] = true
			return g.Socket
		}
	}
	if t.ephemeralWant == nil {
		t.ephemeralWant = map[int]ephemeral{}
	}
	t.ephemeralWant[generation] = e
	return nil
}

// Keep takes over fd, a listening socket that a worker has bound, and returns it.
// fresh is false if the table has the socket already; fd is closed then. fd is
// also closed if the socket is not as described, or if the table is full.
func (t *Table) Keep(generation int, network, address string, fd int) (kept *Socket, fresh bool, err error) {
	s := &Socket{Address: Address{Network: network, FD: -1, Key: address}, Descriptor: fd}
	err = s.verify(address)
	if err == nil {
		if kept := t.Use(generation, s.Inode); kept != nil {
			unix.Close(fd)
			return kept, false, nil
		}
		if len(t.Given) >= maxGiven {
			err = fmt.Errorf("there are %d already", maxGiven)
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, false, fmt.Errorf("keeping the socket of %s %s: %w", network, address, err)
	}
	g := &given{Socket: s, users: map[int]bool{generation: true}}
	if s.isUnix() && !wire.IsAbstract(address) {
		if s.Place = unixpath.Keep(address); s.Place != nil {
			s.Place.Owned = true // the worker does not remove it
		}
	}
	if e := t.ephemeralWant[generation]; e.host != "" && strings.HasPrefix(network+" "+address, e.host+":") {
		g.ephemeral = e
	}
	delete(t.ephemeralWant, generation)
	t.Given = append(t.Given, g)
	return s, true, nil
}

// Use returns the socket with this inode, or nil, and records that a generation
// uses it.
func (t *Table) Use(generation int, inode uint64) *Socket {
	for _, g := range t.Given {
		if g.Inode == inode {
			g.users[generation] = true
		}
	}
	return t.Find(inode)
}

// Ambiguous lists the inodes of sockets of a generation for whose port 0 several
// goroutines have asked at one place. Their order may differ in the next
// generation, and clients would reach the wrong server.
func (t *Table) Ambiguous(generation int) (inodes []uint64) {
	for _, g := range t.Given {
		if g.users[generation] && slices.ContainsFunc(t.Given, func(other *given) bool {
			return other.users[generation] && other.ephemeral.isLate() && other.ephemeral.site() == g.ephemeral.site()
		}) {
			inodes = append(inodes, g.Inode)
		}
	}
	return inodes
}

// ReleaseReplaced closes the sockets from workers whose path leads to s now, and
// returns their inodes. No client can reach them.
func (t *Table) ReleaseReplaced(s *Socket) (inodes []uint64) {
	return t.closeIf(func(g *given) bool {
		return g.Socket != s && s.Place != nil && g.Place != nil && wire.SameUnix(g.Place.Name, s.Place.Name) && !g.isReachable()
	})
}

// closeIf closes sockets from workers, and returns their inodes.
func (t *Table) closeIf(gone func(*given) bool) (inodes []uint64) {
	var rest []*given
	for _, g := range t.Given {
		if !gone(g) {
			rest = append(rest, g)
			continue
		}
		g.Close()
		inodes = append(inodes, g.Inode)
	}
	t.Given = rest
	return inodes
}

// HasOverlap reports whether a socket from a worker can't listen at the same time
// as a new socket of this address.
func (t *Table) HasOverlap(network, address string) bool {
	at, _, _ := strings.Cut(address, " ")
	to, err := netip.ParseAddrPort(at)
	return err == nil && !isUnix(network) && slices.ContainsFunc(t.Given, func(g *given) bool { return g.overlaps(to) })
}

// Overlapping lists the inodes of the sockets from workers whose addresses overlap
// that of another socket.
func (t *Table) Overlapping(inode uint64) (others []uint64) {
	s := t.Find(inode)
	for _, g := range t.Given {
		if s != nil && g.overlaps(s.Bound) {
			others = append(others, g.Inode)
		}
	}
	return others
}

// ReleaseOverlapped closes, for older workers too, the sockets that a generation
// does not use and whose addresses overlap that of a socket it uses. It returns
// their inodes.
func (t *Table) ReleaseOverlapped(generation int) []uint64 {
	return t.closeIf(func(g *given) bool {
		overlapped := !g.users[generation] && slices.ContainsFunc(t.Given, func(other *given) bool {
			return other.users[generation] && g.overlaps(other.Bound)
		})
		if overlapped {
			unix.Shutdown(g.Descriptor, unix.SHUT_RDWR)
		}
		return overlapped
	})
}

// UsedBy lists the inodes of the sockets from workers that a generation uses.
func (t *Table) UsedBy(generation int) (inodes []uint64) {
	for _, g := range t.Given {
		if g.users[generation] {
			inodes = append(inodes, g.Inode)
		}
	}
	return inodes
}

// ReleaseOlder closes the sockets that only generations before this one use, and
// returns their addresses.
func (t *Table) ReleaseOlder(generation int) []Address {
	return t.release(func(_ uint64, user int) bool { return user < generation })
}

// ReleaseOnly closes the sockets that only a generation uses which never became
// current.
func (t *Table) ReleaseOnly(generation int) {
	t.release(func(_ uint64, user int) bool { return user == generation })
}

// ReleaseOne closes a socket that a generation has closed, unless another
// generation uses it, and returns its address.
func (t *Table) ReleaseOne(generation int, inode uint64) []Address {
	return t.release(func(socket uint64, user int) bool { return socket == inode && user == generation })
}

// release removes users of sockets from workers, closes the sockets without a user,
// and returns their addresses.
func (t *Table) release(gone func(inode uint64, generation int) bool) (closed []Address) {
	const none = 0
	maps.DeleteFunc(t.ephemeralWant, func(generation int, _ ephemeral) bool { return gone(none, generation) })
	t.Given = slices.DeleteFunc(t.Given, func(g *given) bool {
		maps.DeleteFunc(g.users, func(user int, _ bool) bool { return gone(g.Inode, user) })
		if len(g.users) > 0 {
			return false
		}
		g.Close()
		closed = append(closed, g.BoundAddress())
		return true
	})
	return closed
}

// Close closes all sockets, and removes the paths that this process owns.
func (t *Table) Close() {
	closeAll(t.All())
	t.Own, t.Given = nil, nil
}

// verify checks that a descriptor from a worker is the listening socket that the
// worker says it is.
func (s *Socket) verify(address string) error {
	if listens, err := unix.GetsockoptInt(s.Descriptor, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
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
	if !slices.Contains(networks, s.Network) || !s.hasAddress(address) {
		return fmt.Errorf("it is bound to %q", s.Local)
	}
	return nil
}

// hasAddress reports whether the socket has this address. A relative path was
// bound in the working directory of the worker; address is absolute.
func (s *Socket) hasAddress(address string) bool {
	if s.Local == address || !s.isUnix() {
		return s.Local == address
	}
	if s.Place != nil {
		return wire.SameUnix(s.Place.Name, address)
	}
	if filepath.IsAbs(s.Local) || wire.IsAbstract(s.Local) {
		return wire.SameUnix(s.Local, address)
	}
	return s.Local != "" && filepath.Base(s.Local) == filepath.Base(address)
}

// isReachable reports whether clients reach the socket by its address. It restores
// the path of a unix socket.
func (s *Socket) isReachable() bool {
	if s.Place == nil {
		return true
	}
	_, err := s.Place.Restore()
	return err == nil
}

// overlaps reports whether the socket and a socket of another address can't both
// listen without SO_REUSEPORT.
func (s *Socket) overlaps(to netip.AddrPort) bool {
	from := s.Bound
	return s.IsStream() && from.IsValid() && from.Port() == to.Port() && from.Addr() != to.Addr() &&
		(from.Addr().IsUnspecified() || to.Addr().IsUnspecified())
}

// satisfies reports whether a program that binds this address can get the socket
// instead: it has the same address, or one of the addresses that the program asks
// for.
func (s *Socket) satisfies(network, address string) bool {
	if s.isUnix() {
		return s.Network == network && s.hasAddress(address)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") || !s.IsStream() || to.Port() != s.Bound.Port() {
		return false
	}
	ip, bound := to.Addr(), s.Bound.Addr()
	switch {
	case ip == bound:
		return true
	case !bound.IsUnspecified():
		return ip.IsUnspecified() && (network == "tcp" || ip.Is4() == bound.Is4()) // the user has chosen the narrower address
	case ip.IsUnspecified() && network == "tcp":
		return true // one of IPv4 and IPv6, which the user has chosen
	}
	return s.Network == "tcp" || ip.Is4() == bound.Is4()
}
