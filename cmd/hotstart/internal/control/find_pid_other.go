//go:build !linux

package control

// socketOf returns "": this system does not show the sockets of a process.
func socketOf(int) string { return "" }
