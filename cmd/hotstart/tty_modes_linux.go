package main

import "golang.org/x/sys/unix"

// The ioctls of tcgetattr(3) and tcsetattr(3), which does not wait for output: a
// terminal may be stopped, and no mode of output changes.
const (
	getModes = unix.TCGETS
	setModes = unix.TCSETS
)
