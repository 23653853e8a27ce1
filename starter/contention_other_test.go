//go:build !linux

package starter

// claim is for tests of what Linux alone shows.
func claim() error { return untilTerm() }
