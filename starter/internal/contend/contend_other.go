//go:build !linux

package contend

// An Observer finds nothing: only Linux's /proc shows what a process holds.
type Observer struct{}

// Observe does nothing.
func Observe([]int) *Observer { return &Observer{} }

// Needs returns "".
func (*Observer) Needs(int, string, []uint64) string { return "" }

// WaitsFor returns "".
func (*Observer) WaitsFor(int) string { return "" }

// Close does nothing.
func (*Observer) Close() {}
