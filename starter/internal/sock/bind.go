package sock

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// MaxBacklog is the backlog that the kernel cuts down to its maximum. SOMAXCONN of
// some headers is only 128.
const MaxBacklog = 1<<16 - 1

// Binding says how to make sockets.
type Binding struct {
	Backlog   int         // of listen(2)
	ReusePort bool        // set SO_REUSEPORT after listen(2)
	Mode      os.FileMode // of paths
	UID, GID  int         // of paths; -1: that of this process
}

// OpenAll binds every address, or none, and listens. It takes the inherited
// socket that matches an address. An inherited socket that is left is an
// *AddressError.
func (b Binding) OpenAll(addresses []Address, inherited []*Socket) (sockets []*Socket, err error) {
	defer func() {
		if err != nil {
			closeAll(sockets)
			sockets = nil
		}
	}()
	for _, a := range addresses {
		s := takeInherited(a, &inherited)
		if s == nil {
			if s, err = b.open(a); err != nil {
				return sockets, err
			}
		}
		sockets = append(sockets, s)
		if b.ReusePort && !s.isUnix() && s.IsStream() {
			if err := unix.SetsockoptInt(s.Descriptor, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
				return sockets, os.NewSyscallError("setsockopt", err)
			}
		}
	}
	for _, s := range inherited {
		if s != nil {
			return sockets, unused(s.BoundAddress())
		}
	}
	return sockets, nil
}

// closeAll closes sockets, and removes the paths that this process owns.
func closeAll(sockets []*Socket) {
	for _, s := range sockets {
		s.Close()
	}
}

func (b Binding) open(a Address) (*Socket, error) {
	if a.Network == "unix" {
		return b.openPath(a)
	}
	ip, err := a.resolve()
	if err != nil {
		return nil, err
	}
	s, err := openPort(a, ip, b.Backlog)
	if errors.Is(err, unix.EAFNOSUPPORT) && a.Host == "" && ip.Is6() {
		// On a kernel without IPv6, dual stack is IPv4.
		a.Network += "4"
		s, err = openPort(a, netip.IPv4Unspecified(), b.Backlog)
	}
	switch {
	case errors.Is(err, unix.EADDRINUSE):
		return nil, inUse(a)
	case errors.Is(err, unix.EACCES):
		return nil, forbidden(a)
	case err != nil:
		return nil, fmt.Errorf("binding %v: %w", a, err)
	}
	return s, nil
}

// resolve returns the IP address to bind. A host name stands for its IPv4 address,
// as with start_server.
func (a Address) resolve() (netip.Addr, error) {
	switch {
	case a.Host == "" && (a.Network == "tcp" || a.Network == "udp"):
		return netip.IPv6Unspecified(), nil
	case a.Host == "":
		return netip.IPv4Unspecified(), nil
	}
	if ip, is := a.Literal(); is {
		return ip, nil
	}
	found, err := net.ResolveIPAddr("ip4", a.Host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolving the host of port %q: %w", a.Key, err)
	}
	ip, _ := netip.AddrFromSlice(found.IP.To4())
	return ip, nil
}

func openPort(a Address, ip netip.Addr, backlog int) (*Socket, error) {
	family, to := sockaddr(ip, a.Port)
	kind := unix.SOCK_STREAM
	if a.Network[:3] == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := newSocket(family, kind)
	if err != nil {
		return nil, err
	}
	s := &Socket{Address: a, Descriptor: fd}
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

func (s *Socket) bind(family, kind int, to unix.Sockaddr, backlog int) error {
	// With SO_REUSEADDR, Linux lets two UDP sockets share a port, and the later
	// socket receives everything.
	if kind == unix.SOCK_STREAM {
		if err := unix.SetsockoptInt(s.Descriptor, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
	}
	if family == unix.AF_INET6 {
		only := 1
		if s.Network == "tcp" || s.Network == "udp" {
			only = 0
		}
		if err := unix.SetsockoptInt(s.Descriptor, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return err
		}
	}
	if err := unix.Bind(s.Descriptor, to); err != nil {
		return err
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(s.Descriptor, backlog); err != nil {
			return err
		}
	}
	return s.identify()
}
