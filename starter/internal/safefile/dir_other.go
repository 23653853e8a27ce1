//go:build !linux

package safefile

import "golang.org/x/sys/unix"

// dirFlags open a folder, which must be readable: there is no O_PATH.
const dirFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC

func (d Dir) magic() bool { return false }
