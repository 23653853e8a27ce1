//go:build !linux

package starter

import "fmt"

// Without Linux's /proc nothing shows which process holds a socket, or who
// started it.

func leftoversOf([]Worker, []uint64) []leftover { return nil }

func detachedOf(string, Worker) []int { return nil }

func processName(pid int) string { return fmt.Sprintf("pid %d", pid) }
