//go:build darwin || freebsd

package control

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUID returns the user that has connected, see LOCAL_PEERCRED in unix(4).
func peerUID(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	failed := raw.Control(func(fd uintptr) {
		var peer *unix.Xucred
		if peer, err = unix.GetsockoptXucred(int(fd), 0, unix.LOCAL_PEERCRED); err == nil { // 0: SOL_LOCAL
			uid = int(peer.Uid)
		}
	})
	if failed != nil {
		err = failed
	}
	return uid, err
}
