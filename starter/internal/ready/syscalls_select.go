//go:build linux && (amd64 || s390x)

package ready

import "golang.org/x/sys/unix"

// pollCalls and selectCalls wait for one of several descriptors.
var (
	pollCalls   = []int{unix.SYS_POLL, unix.SYS_PPOLL}
	selectCalls = []int{unix.SYS_SELECT, unix.SYS_PSELECT6}
)
