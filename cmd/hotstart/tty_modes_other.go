//go:build !linux

package main

import "golang.org/x/sys/unix"

// The ioctls of tcgetattr(3) and tcsetattr(3), which does not wait for output: a
// terminal may be stopped, and no mode of output changes.
const (
	getModes = unix.TIOCGETA
	setModes = unix.TIOCSETA
)
