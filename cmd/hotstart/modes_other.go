//go:build !linux

package main

import "golang.org/x/sys/unix"

// The ioctls of tcgetattr(3) and tcsetattr(3).
const (
	getModes = unix.TIOCGETA
	setModes = unix.TIOCSETAW
)
