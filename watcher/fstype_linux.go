package watcher

import "golang.org/x/sys/unix"

// fsType returns the name of the file system of dir if that file system sends no events, or else "".
func fsType(dir string) string {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return ""
	}
	return eventlessMagics[uint32(st.Type)] // signed, and of another size, on other machines
}
