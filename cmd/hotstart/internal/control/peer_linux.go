package control

import (
	"cmp"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID returns the user that has connected, see SO_PEERCRED in unix(7).
func peerUID(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	if failed := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); failed != nil || err != nil {
		return 0, cmp.Or(failed, err)
	}
	return int(peer.Uid), nil
}
