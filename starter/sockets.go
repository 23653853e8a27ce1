package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"golang.org/x/sys/unix"
)

// A socket is one that is kept for the workers, as a plain descriptor.
//
// It is made by raw calls, in blocking mode, which Perl and prefork workers
// need, and never wrapped in an os.File: File.Fd and exec.Cmd would clear
// O_NONBLOCK, which is a property of the open file description and so would
// change under a worker that accepts on it.
type socket struct {
	Address
	fd    int
	local string         // what getsockname(2) says
	bound netip.AddrPort // the same; zero for unix
	inode uint64         // of the socket itself, as /proc shows it
	place *unixpath.Path // of a unix socket; nil: it is abstract
}

// An InUseError is an address that another process listens on.
type InUseError struct {
	Address Address
	Holder  string // "pid 4711 (python3 -m http.server)", or empty if it can't be seen
}

func (e *InUseError) Error() string {
	line := fmt.Sprintf("%v is already in use", e.Address)
	if e.Holder != "" {
		line += " by " + e.Holder
	}
	return line
}

func (e *InUseError) Unwrap() error { return unix.EADDRINUSE }

// Hint says how to go on.
func (e *InUseError) Hint() string {
	if e.Address.Network == "unix" {
		return "stop that server first, or choose another path"
	}
	return fmt.Sprintf("stop that server first, or choose another port: --port=%d", e.Address.Port+1)
}

// A PrivilegeError is a port that this user may not bind.
type PrivilegeError struct{ Address Address }

func (e *PrivilegeError) Error() string {
	return fmt.Sprintf("%v needs privilege: permission denied", e.Address)
}

func (e *PrivilegeError) Unwrap() error { return unix.EACCES }

// Hint says how to go on.
func (e *PrivilegeError) Hint() string {
	return "choose a port from 1024 up, for example --port=8080, or run it with the capability CAP_NET_BIND_SERVICE"
}

// A binding is how sockets are made.
type binding struct {
	backlog  int
	share    bool
	mode     os.FileMode // of paths
	uid, gid int         // of paths; -1: this process's
}

// openAll binds and listens every address, or none. An inherited socket is
// taken where it means the address; what is left is returned too.
func (b binding) openAll(addresses []Address, inherited []*socket) (sockets []*socket, err error) {
	for _, a := range addresses {
		s := adopt(a, &inherited)
		if s == nil {
			s, err = b.open(a)
		}
		if err == nil && b.share {
			err = s.share()
		}
		if err != nil {
			closeAll(sockets)
			return nil, err
		}
		sockets = append(sockets, s)
	}
	for _, s := range inherited {
		if s != nil {
			closeAll(sockets)
			return nil, &UnusedSocketError{s.listens()}
		}
	}
	return sockets, nil
}

// An UnusedSocketError is an inherited socket that no port or path means: it
// would wait for connections that nobody accepts.
type UnusedSocketError struct{ Address Address }

func (e *UnusedSocketError) Error() string {
	return fmt.Sprintf("the inherited %s socket %v matches no --port or --path", e.Address.Network, e.Address)
}

// Hint says how to go on.
func (e *UnusedSocketError) Hint() string {
	if e.Address.Network == "unix" {
		return "use it: --path=" + e.Address.Path
	}
	return "use it: --port=" + e.Address.written()
}

// share lets another socket of this user be bound to the same port.
func (s *socket) share() error {
	if s.unix() || !s.stream() {
		return nil
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
}

// closeAll closes the sockets and removes the paths that are still theirs.
func closeAll(sockets []*socket) {
	for _, s := range sockets {
		s.close()
	}
}

func (b binding) open(a Address) (*socket, error) {
	if a.Network == "unix" {
		return b.openPath(a)
	}
	backlog := b.backlog
	ip, err := a.resolve()
	if err != nil {
		return nil, err
	}
	s, err := openPort(a, ip, backlog)
	if errors.Is(err, unix.EAFNOSUPPORT) && a.Host == "" && ip.Is6() {
		// A kernel without IPv6: dual stack is IPv4 there.
		a.Network += "4"
		s, err = openPort(a, netip.IPv4Unspecified(), backlog)
	}
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, &InUseError{Address: a, Holder: PortOwner(a)}
	case errors.Is(err, unix.EACCES):
		return nil, &PrivilegeError{Address: a}
	case err != nil:
		return nil, fmt.Errorf("binding %v: %w", a, err)
	}
	return s, nil
}

// resolve returns the address to bind: as start_server, a host name means
// its IPv4 address.
func (a Address) resolve() (netip.Addr, error) {
	switch {
	case a.Host == "" && (a.Network == "tcp" || a.Network == "udp"):
		return netip.IPv6Unspecified(), nil
	case a.Host == "":
		return netip.IPv4Unspecified(), nil
	}
	if ip, is := a.literal(); is {
		return ip, nil
	}
	found, err := net.ResolveIPAddr("ip4", a.Host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolving the host of port %q: %w", a.Key, err)
	}
	ip, _ := netip.AddrFromSlice(found.IP.To4())
	return ip, nil
}

func openPort(a Address, ip netip.Addr, backlog int) (*socket, error) {
	family, to := sockaddr(ip, a.Port)
	kind := unix.SOCK_STREAM
	if a.Network[:3] == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := newSocket(family, kind)
	if err != nil {
		return nil, err
	}
	s := &socket{Address: a, fd: fd}
	if err := s.bind(family, kind, to, backlog); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return s, nil
}

func sockaddr(ip netip.Addr, port int) (family int, to unix.Sockaddr) {
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: ip.As4()}
	}
	to6 := &unix.SockaddrInet6{Port: port, Addr: ip.As16()}
	if zone, err := net.InterfaceByName(ip.Zone()); err == nil {
		to6.ZoneId = uint32(zone.Index)
	} else if index, err := strconv.ParseUint(ip.Zone(), 10, 32); err == nil {
		to6.ZoneId = uint32(index)
	}
	return unix.AF_INET6, to6
}

func (s *socket) bind(family, kind int, to unix.Sockaddr, backlog int) error {
	// Linux lets two sockets of UDP share a port if both set it, and all
	// that comes goes to the later one.
	if kind == unix.SOCK_STREAM {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
	}
	if family == unix.AF_INET6 {
		only := 1
		if s.Network == "tcp" || s.Network == "udp" {
			only = 0
		}
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return err
		}
	}
	if err := unix.Bind(s.fd, to); err != nil {
		return err
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(s.fd, backlog); err != nil {
			return err
		}
	}
	return s.identify()
}

// openPath listens on a path. A socket there that nobody answers on is left
// over from a dead server and replaced; anything else is an error.
func (b binding) openPath(a Address) (*socket, error) {
	if unixpath.IsAbstract(a.Path) {
		return b.openAbstract(a)
	}
	if err := clearPath(a); err != nil {
		return nil, err
	}
	fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM)
	if err != nil {
		return nil, fmt.Errorf("listening on %v: %w", a, err)
	}
	s := &socket{Address: a, fd: fd}
	if err := s.bindPath(b); err != nil {
		s.close()
		return nil, fmt.Errorf("listening on %v: %w", a, err)
	}
	return s, nil
}

// bindPath makes the path, which nobody can connect to before it listens and
// so has its mode and owner.
func (s *socket) bindPath(b binding) error {
	if err := unix.Bind(s.fd, &unix.SockaddrUnix{Name: s.Path}); err != nil {
		return err
	}
	if s.place = unixpath.At(s.Path); s.place == nil {
		return errExchanged
	}
	s.place.Owned = true
	if err := b.give(s.Path); err != nil {
		return err
	}
	s.place.KeepSpare() // give takes a second name for another user's work
	if err := unix.Listen(s.fd, b.backlog); err != nil {
		return err
	}
	return s.identify()
}

// errExchanged: a user who can write to its folder has put something else there.
var errExchanged = errors.New("another user has replaced the socket while it was made")

// openAbstract listens on an abstract address, which has no mode and no owner.
func (b binding) openAbstract(a Address) (*socket, error) {
	fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM)
	if err != nil {
		return nil, fmt.Errorf("listening on %v: %w", a, err)
	}
	s := &socket{Address: a, fd: fd}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: a.Path})
	if err == nil {
		err = unix.Listen(fd, b.backlog)
	}
	if err == nil {
		err = s.identify()
	}
	if err == nil {
		return s, nil
	}
	unix.Close(fd)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, &InUseError{Address: a, Holder: PortOwner(a)}
	}
	return nil, fmt.Errorf("listening on %v: %w", a, err)
}

func clearPath(a Address) error {
	info, err := os.Lstat(a.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("listening on %v: %w", a, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("listening on %v: it exists and is not a socket; nothing was removed", a)
	}
	c, err := net.Dial("unix", a.Path)
	if err == nil {
		c.Close()
	}
	if err == nil || errors.Is(err, unix.EAGAIN) { // its queue is full
		return &InUseError{Address: a, Holder: PortOwner(a)}
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("listening on %v: asking whether it is in use: %w", a, err)
	}
	if err := os.Remove(a.Path); err != nil {
		return fmt.Errorf("replacing the dead socket %v: %w", a, err)
	}
	return nil
}

// identify asks the kernel for what it knows the socket by.
func (s *socket) identify() error {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return err
	}
	s.inode = uint64(st.Ino)
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		s.bound = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.bound = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	case *unix.SockaddrUnix:
		s.local = a.Name
		return nil
	default:
		return fmt.Errorf("its address is neither an IP address nor a path")
	}
	s.local = s.bound.String()
	return nil
}

// listens is the address that it really has.
func (s *socket) listens() Address {
	a := s.Address
	switch {
	case !s.bound.IsValid():
		a.Path = s.local
	case a.Host == "" && !s.bound.Addr().IsUnspecified():
		a.Host = s.bound.Addr().String()
		fallthrough
	default:
		a.Port = int(s.bound.Port())
	}
	return a
}

// isUnix reports whether a network is that of unix sockets that listen.
func isUnix(network string) bool { return network == "unix" || network == "unixpacket" }

func (s *socket) unix() bool { return isUnix(s.Network) }

func (s *socket) stream() bool {
	return s.Network[:3] != "udp"
}

func (s *socket) close() {
	closeFD(s.fd)
	s.fd = -1
	s.place.Close()
}
