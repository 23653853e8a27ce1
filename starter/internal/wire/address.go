package wire

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// IsAbstract reports whether the address of a unix socket is abstract; unix(7).
func IsAbstract(path string) bool {
	return runtime.GOOS == "linux" && strings.HasPrefix(path, "@")
}

// SameUnix reports whether two addresses are those of the same unix socket: they have the same name in the same
// directory, or lead to the same file. "" is the address of a socket without a name.
func SameUnix(a, b string) bool {
	switch {
	case a == "" || b == "":
		return false
	case a == b:
		return true
	case IsAbstract(a) || IsAbstract(b):
		return false
	}
	dirA, nameA := filepath.Split(a)
	dirB, nameB := filepath.Split(b)
	return nameA == nameB && sameFile(dirA+".", dirB+".") || sameFile(a, b)
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
