//go:build !linux

package term

import "golang.org/x/sys/unix"

// The ioctls of tcgetattr(3) and tcsetattr(3), which does not wait for output: a
// terminal may be stopped, and no mode of output changes.
const (
	GetModes = unix.TIOCGETA
	SetModes = unix.TIOCSETA
)
