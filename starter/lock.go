package starter

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock of a file, which ends with the last descriptor of it,
// or returns EWOULDBLOCK; flock(2).
func tryLock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// isAt reports whether a path still names the file. One that is nil is nowhere.
func isAt(path string, f *os.File) bool {
	mine, err1 := f.Stat()
	there, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && os.SameFile(mine, there)
}
