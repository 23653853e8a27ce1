//go:build linux && !386 && !amd64 && !arm && !mips && !mipsle && !mips64 && !mips64le && !ppc64 && !ppc64le && !s390x

package ready

import "golang.org/x/sys/unix"

// pollCalls and selectCalls wait for one of several descriptors. Newer architectures,
// such as arm64, riscv64 and loong64, have only these.
var (
	pollCalls   = []int{unix.SYS_PPOLL}
	selectCalls = []int{unix.SYS_PSELECT6}
)
