package watcher

import "golang.org/x/sys/unix"

// fsType returns the name of the file system of dir if that file system sends no events, or else "".
func fsType(dir string) string {
	var st unix.Statvfs_t
	if unix.Statvfs(dir, &st) != nil {
		return ""
	}
	return fsTypeOfName(unix.ByteSliceToString(st.Fstypename[:]))
}
