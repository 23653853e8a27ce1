//go:build linux && (386 || arm || mips || mipsle || mips64 || mips64le || ppc64 || ppc64le)

package ready

import "golang.org/x/sys/unix"

// pollCalls and selectCalls wait for one of several descriptors. On these
// architectures select(2) is _newselect; what 386 and ppc64 call select is older
// and takes its arguments in memory.
var (
	pollCalls   = []int{unix.SYS_POLL, unix.SYS_PPOLL}
	selectCalls = []int{unix.SYS__NEWSELECT, unix.SYS_PSELECT6}
)
