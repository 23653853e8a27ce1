//go:build unix

package worker

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// describe returns the address that the socket fd is bound to. The result is empty for an unknown kind of socket.
func describe(fd int) (endpoint, error) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return endpoint{}, os.NewSyscallError("getsockopt", err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		return endpoint{}, os.NewSyscallError("getsockname", err)
	}
	if bound, ok := bound.(*syscall.SockaddrUnix); ok {
		if network := map[int]string{syscall.SOCK_STREAM: "unix", syscall.SOCK_SEQPACKET: "unixpacket"}[kind]; network != "" {
			return endpoint{network: network, path: bound.Name}, nil
		}
		return endpoint{}, nil
	}
	prefix := map[int]string{syscall.SOCK_STREAM: "tcp", syscall.SOCK_DGRAM: "udp"}[kind]
	if prefix == "" {
		return endpoint{}, nil
	}
	switch bound := bound.(type) {
	case *syscall.SockaddrInet4:
		return endpoint{network: prefix + "4", addr: addrPort(netip.AddrFrom4(bound.Addr), bound.Port)}, nil
	case *syscall.SockaddrInet6:
		return endpoint{network: prefix + ipv6Suffix(fd), addr: addrPort(netip.AddrFrom16(bound.Addr), bound.Port)}, nil
	}
	return endpoint{}, nil
}

func addrPort(ip netip.Addr, port int) netip.AddrPort {
	return plain(netip.AddrPortFrom(ip, uint16(port)))
}

// ipv6Suffix returns "6" for a socket of IPv6 alone, "" for one of both families.
func ipv6Suffix(fd int) string {
	only, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY)
	if err == nil && only == 0 {
		return ""
	}
	return "6"
}

func closeOnExec(fd int) { syscall.CloseOnExec(fd) }

// listener returns a listener of fd, which it closes.
//
// All workers share the open file description, with its O_NONBLOCK. Package net sets the flag and needs it. If the
// flag were cleared, another worker would block in accept(2), and then take a connection that it can't serve.
// os.NewFile leaves the flag as it is. Fd, which net calls, clears the flag only if NewFile set it, which NewFile does
// not do for a socket.
func listener(fd int) (net.Listener, error) {
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	return net.FileListener(f)
}

// packetConn returns a packet connection of fd, which it closes; see listener.
func packetConn(fd int) (net.PacketConn, error) {
	f := os.NewFile(uintptr(fd), "packet")
	defer f.Close()
	return net.FilePacketConn(f)
}

// streamPair returns a connection of fd, a unix stream socket, which it closes. It leaves any other descriptor
// alone: the variable may be inherited from a worker that started this process.
func streamPair(fd int) (*net.UnixConn, error) {
	if e, err := describe(fd); err != nil || e.network != "unix" {
		return nil, fmt.Errorf("descriptor %d is not a unix stream socket", fd)
	}
	f := os.NewFile(uintptr(fd), "broker")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// isClosed reports whether the program has closed conn; an unknown state counts as open.
func isClosed(conn net.Conn) bool {
	known, err := inspect(conn, func(int) {})
	return known && errors.Is(err, net.ErrClosed)
}

// hasUnread reports whether received data on conn waits to be read.
func hasUnread(conn net.Conn) bool {
	n := 0
	inspect(conn, func(fd int) {
		n, _, _ = syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_PEEK) // doesn't block: package net set O_NONBLOCK
	})
	return n > 0
}

// inspect calls look with the descriptor of conn, or of the connection under it; known is false if conn has no
// descriptor that can be reached. The error is [net.ErrClosed] if conn is closed.
func inspect(conn net.Conn, look func(fd int)) (known bool, err error) {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn
		return inspect(wrapped.NetConn(), look)
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false, nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true, err
	}
	return true, raw.Control(func(fd uintptr) { look(int(fd)) })
}
