//go:build !linux

package control

// CountSocketDrops returns no counters.
func CountSocketDrops() SocketDrops { return nil }
