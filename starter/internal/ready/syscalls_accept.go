//go:build linux && !386 && !s390x

package ready

import "golang.org/x/sys/unix"

// acceptCalls are the system calls that wait for a connection.
var acceptCalls = []int{unix.SYS_ACCEPT, unix.SYS_ACCEPT4}
