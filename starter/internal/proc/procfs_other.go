//go:build !linux

package proc

import "fmt"

// Exiting reports true: only Linux shows whether a process is exiting.
func Exiting(int) bool { return true }

// Exited reports true: only Linux shows the state of a process that is not a child.
func Exited(int) bool { return true }

// Sockets returns nothing: only Linux shows the sockets of a process.
func Sockets(int) map[uint64]bool { return nil }

// AnyHolds reports false: only Linux shows the sockets of a process.
func AnyHolds([]int, uint64) bool { return false }

// Name describes a process for a person: `pid 4711`.
func Name(pid int) string { return fmt.Sprintf("pid %d", pid) }

// ListeningPaths returns nothing: a path that a worker has bound itself and has
// not given to the broker is not restored.
func ListeningPaths(int) []string { return nil }

// OwnerOf returns "": lsof(8) shows the owner of a socket.
func OwnerOf(string, func(NetSocket) bool) string { return "" }
