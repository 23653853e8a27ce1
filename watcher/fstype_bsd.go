//go:build darwin || dragonfly || freebsd

package watcher

import "golang.org/x/sys/unix"

// fsType returns the name of the file system of dir if that file system sends no events, or else "".
// These kernels return a name instead of a number.
func fsType(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return ""
	}
	return fsTypeOfName(unix.ByteSliceToString(st.Fstypename[:]))
}
