// Package sock opens the listening sockets of a supervisor, keeps them over the
// generations of workers, and describes them to workers.
package sock

import (
	"fmt"
	"net/netip"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"golang.org/x/sys/unix"
)

// A Socket is a kept socket, as a plain descriptor.
//
// It is made by raw calls, in blocking mode, which Perl and prefork workers need.
// It is never wrapped in an os.File: File.Fd and exec.Cmd would clear O_NONBLOCK,
// which belongs to the open file description and so would change for a worker
// that accepts on it.
type Socket struct {
	Address
	Descriptor int
	Local      string         // address by getsockname(2)
	Bound      netip.AddrPort // the same; zero: a unix socket
	Inode      uint64         // of the socket itself, as in /proc
	Place      *unixpath.Path // of a unix socket; nil: the address is abstract
}

// newSocket returns the descriptor of a blocking socket. A forked child does not
// inherit it: the fork lock is held until it is close-on-exec.
func newSocket(family, kind int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(family, kind, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return fd, err
}

// identify reads the identity and the address of the socket from the kernel.
func (s *Socket) identify() error {
	var st unix.Stat_t
	if err := unix.Fstat(s.Descriptor, &st); err != nil {
		return err
	}
	s.Inode = uint64(st.Ino)
	name, err := unix.Getsockname(s.Descriptor)
	if err != nil {
		return err
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		s.Bound = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		s.Bound = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	case *unix.SockaddrUnix:
		s.Local = a.Name
		return nil
	default:
		return fmt.Errorf("its address is neither an IP address nor a path")
	}
	s.Local = s.Bound.String()
	return nil
}

// network returns the network of the socket as the kernel knows it, without dual
// stack.
func (s *Socket) network() (string, error) {
	kind, err := unix.GetsockoptInt(s.Descriptor, unix.SOL_SOCKET, unix.SO_TYPE)
	name := "tcp"
	if kind == unix.SOCK_DGRAM {
		name = "udp"
	}
	switch {
	case !s.Bound.IsValid() && kind == unix.SOCK_SEQPACKET:
		return "unixpacket", err
	case !s.Bound.IsValid():
		return "unix", err
	case s.Bound.Addr().Is4():
		return name + "4", err
	}
	return name + "6", err
}

// BoundAddress returns the Address with the host, port or path that the socket is
// bound to.
func (s *Socket) BoundAddress() Address {
	a := s.Address
	switch {
	case !s.Bound.IsValid():
		a.Path = s.Local
	case a.Host == "" && !s.Bound.Addr().IsUnspecified():
		a.Host = s.Bound.Addr().String()
		fallthrough
	default:
		a.Port = int(s.Bound.Port())
	}
	return a
}

// isUnix reports whether a network is that of listening unix sockets.
func isUnix(network string) bool { return network == "unix" || network == "unixpacket" }

func (s *Socket) isUnix() bool { return isUnix(s.Network) }

// IsStream reports whether clients connect to the socket.
func (s *Socket) IsStream() bool { return s.Network[:3] != "udp" }

// Close closes the descriptor, and removes the path if this process owns it.
func (s *Socket) Close() {
	if s.Descriptor >= 0 {
		unix.Close(s.Descriptor)
	}
	s.Descriptor = -1
	s.Place.Close()
}
