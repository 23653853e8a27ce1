//go:build linux && (arm || arm64 || riscv64 || loong64 || 386)

package starter

import "golang.org/x/sys/unix"

// pollCalls and selectCalls wait for any of several descriptors. These
// machines have only the newer ones, or number them in ways of their own.
var (
	pollCalls   = []int{unix.SYS_PPOLL}
	selectCalls = []int{unix.SYS_PSELECT6}
)
