//go:build linux && (386 || s390x)

package ready

import "golang.org/x/sys/unix"

// acceptCalls are the system calls that wait for a connection. These
// architectures have accept(2) inside socketcall(2), which does not show the
// descriptor.
var acceptCalls = []int{unix.SYS_ACCEPT4}
