package watcher

import "golang.org/x/sys/unix"

// fsType names the file system of dir if events don't come for it. Empty if they do, or if it can't be told.
func fsType(dir string) string {
	var st unix.Statvfs_t
	if unix.Statvfs(dir, &st) != nil {
		return ""
	}
	return fsTypeOfName(unix.ByteSliceToString(st.Fstypename[:]))
}
