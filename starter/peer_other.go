//go:build !linux

package starter

import "net"

// peer can't be seen without Linux's /proc: what an older worker answers
// counts there.
func peer(net.Conn) (inode uint64, here bool) { return 0, false }
