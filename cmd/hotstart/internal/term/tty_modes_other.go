//go:build !linux

package term

import "golang.org/x/sys/unix"

// The ioctls of tcgetattr(3) and of tcsetattr(3) without waiting for output: the terminal
// may be stopped.
const (
	GetModes = unix.TIOCGETA
	SetModes = unix.TIOCSETA
)
