package control

import (
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// CountSocketDrops returns the counters of the kernel (SK_MEMINFO_DROPS of
// linux/sock_diag.h).
func CountSocketDrops() SocketDrops {
	now := SocketDrops{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || !listensTCP(fd) {
			continue
		}
		var st unix.Stat_t
		if n, ok := drops(fd); ok && unix.Fstat(fd, &st) == nil {
			now[uint64(st.Ino)] = n
		}
	}
	return now
}

// listensTCP reports whether a descriptor is that of a TCP socket that listens. Package
// net opens sockets of MPTCP, of which the kernel shows no count.
func listensTCP(fd int) bool {
	listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil || listens == 0 {
		return false
	}
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	return err == nil && protocol == unix.IPPROTO_TCP
}

// drops returns the counter of a socket.
func drops(fd int) (n uint32, ok bool) {
	const drops, fields = 8, 9
	var info [fields]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, err := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	return info[drops], err == 0 && size == uint32(unsafe.Sizeof(info))
}
