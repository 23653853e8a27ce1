//go:build !linux

package proc

// Without Linux's child subreaper, init adopts orphans, and the guard ends
// those that have stayed in the process group of their worker. Without Linux's
// /proc, no other process can be attributed to a worker.

func BecomeSubreaper() error                             { return nil }
func ReapOrphans(<-chan struct{})                        {}
func KillOrphans()                                       {}
func ReapUnknown([]int)                                  {}
func killMarked(string)                                  {}
func Leftovers(int, int, []uint64) []Leftover            { return nil }
func Detached(mark string, generation, worker int) []int { return nil }
