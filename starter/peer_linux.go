package starter

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
)

// peer returns the socket at the other end of a TCP connection, if that is
// on this machine: 0 as long as nobody has accepted it.
func peer(c net.Conn) (inode uint64, here bool) {
	mine, ok1 := c.LocalAddr().(*net.TCPAddr)
	theirs, ok2 := c.RemoteAddr().(*net.TCPAddr)
	if !ok1 || !ok2 {
		return 0, false
	}
	local, remote := kernelNames(theirs.AddrPort()), kernelNames(mine.AddrPort())
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		// sl local_address rem_address st queues timer retransmits uid timeout inode
		eachLine(file, func(f []string) {
			if len(f) > 9 && slices.Contains(local, f[1]) && slices.Contains(remote, f[2]) {
				inode, _ = strconv.ParseUint(f[9], 10, 64)
				here = true
			}
		})
	}
	return inode, here
}

// kernelNames are the ways in which /proc/net/tcp and tcp6 write an address:
// words of four bytes, as numbers in hexadecimal. An IPv4 one may be that of a
// dual stack socket.
func kernelNames(a netip.AddrPort) []string {
	ip, names := a.Addr().Unmap(), []string(nil)
	if ip.Is4() {
		names = append(names, kernelName(ip.AsSlice(), a.Port()))
	}
	as16 := ip.As16()
	return append(names, kernelName(as16[:], a.Port()))
}

func kernelName(ip []byte, port uint16) string {
	name := ""
	for ; len(ip) > 0; ip = ip[4:] {
		name += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(ip))
	}
	return fmt.Sprintf("%s:%04X", name, port)
}

// ownedBy reports whether one of the processes, or of their children, has a
// socket.
func ownedBy(pids []int, inode uint64) bool {
	link := fmt.Sprintf("socket:[%d]", inode)
	for _, parent := range pids {
		for _, pid := range family(parent) {
			for _, fd := range list(fmt.Sprintf("/proc/%d/fd", pid)) {
				if to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd)); to == link {
					return true
				}
			}
		}
	}
	return false
}
