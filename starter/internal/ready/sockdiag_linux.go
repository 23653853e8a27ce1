package ready

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// peer returns the inode of the socket at the other end of a TCP connection. here
// reports whether that end is on this machine. inode is 0 as long as the
// connection is not accepted. sock_diag(7) finds one connection; /proc/net/tcp
// lists every connection of a busy machine.
func peer(c net.Conn) (inode uint64, here bool) {
	mine, ok1 := c.LocalAddr().(*net.TCPAddr)
	theirs, ok2 := c.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return 0, false
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	if unix.Sendto(fd, diagRequest(theirs.AddrPort(), mine.AddrPort()), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return 0, false
	}
	reply := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, reply, 0)
	if err != nil {
		return 0, false
	}
	return diagReply(reply[:n])
}

// Constants of linux/sock_diag.h and linux/inet_diag.h.
const (
	sockDiagByFamily = 20
	diagIDLength     = 48               // struct inet_diag_sockid
	diagInode        = 16 + 4 + 48 + 16 // after struct nlmsghdr: idiag_inode of struct inet_diag_msg
)

// diagRequest returns the request for the socket with these addresses: a struct
// nlmsghdr and a struct inet_diag_req_v2.
func diagRequest(local, remote netip.AddrPort) []byte {
	family := byte(unix.AF_INET6)
	ip, peer := local.Addr().Unmap(), remote.Addr().Unmap()
	if ip.Is4() {
		family = unix.AF_INET
	}
	native := binary.NativeEndian
	b := native.AppendUint32(nil, unix.NLMSG_HDRLEN+8+diagIDLength)
	b = native.AppendUint16(b, sockDiagByFamily)
	b = native.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, make([]byte, 8)...) // sequence, port
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = native.AppendUint32(b, 1<<32-1) // in any state
	b = binary.BigEndian.AppendUint16(b, local.Port())
	b = binary.BigEndian.AppendUint16(b, remote.Port())
	for _, a := range []netip.Addr{ip, peer} {
		b = append(append(b, a.AsSlice()...), make([]byte, 16-len(a.AsSlice()))...)
	}
	b = native.AppendUint32(b, 0)                                    // on any interface
	return append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) // with any cookie
}

// diagReply reads the reply to a diagRequest.
func diagReply(b []byte) (inode uint64, here bool) {
	if len(b) < diagInode+4 || binary.NativeEndian.Uint16(b[4:]) != sockDiagByFamily {
		return 0, false
	}
	return uint64(binary.NativeEndian.Uint32(b[diagInode:])), true
}
