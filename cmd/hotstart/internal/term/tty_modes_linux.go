package term

import "golang.org/x/sys/unix"

// The ioctls of tcgetattr(3) and tcsetattr(3), which does not wait for output: a
// terminal may be stopped, and no mode of output changes.
const (
	GetModes = unix.TCGETS
	SetModes = unix.TCSETS
)
