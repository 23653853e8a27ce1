//go:build !linux

package control

// ListenDrops returns false: only Linux counts them where any program can read it.
func ListenDrops() (int64, bool) { return 0, false }
