//go:build !linux

package proc

import "fmt"

// Exiting reports true: only Linux shows whether a process is exiting.
func Exiting(int) bool { return true }

// Sockets returns nothing: only Linux shows the sockets of a process.
func Sockets(int) map[uint64]bool { return nil }

// AnyHolds reports false: only Linux shows the sockets of a process.
func AnyHolds([]int, uint64) bool { return false }

// Name describes a process for a person: `pid 4711`.
func Name(pid int) string { return fmt.Sprintf("pid %d", pid) }
