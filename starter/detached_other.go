//go:build !linux

package starter

// detachedOf finds nothing: without Linux's /proc nothing shows who started a process.
func detachedOf(string, Worker) []int { return nil }
