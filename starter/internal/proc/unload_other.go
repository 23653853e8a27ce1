//go:build !linux

package proc

// unload does nothing on this system.
func unload() {}
