//go:build darwin || dragonfly || freebsd

package watcher

import "golang.org/x/sys/unix"

// fsType names the file system of dir if events don't come for it. Empty if they do, or if it can't be told.
// These kernels tell the type by its name, not by a number.
func fsType(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return ""
	}
	return fsTypeOfName(unix.ByteSliceToString(st.Fstypename[:]))
}
