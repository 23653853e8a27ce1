package safefile

import "golang.org/x/sys/unix"

// dirFlags open a folder, which need not be readable.
const dirFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC

// magic reports whether the folder's links are resolved by the kernel alone, as
// /proc/self/fd/1 is: their targets may have no path.
func (d Dir) magic() bool {
	var st unix.Statfs_t
	return unix.Fstatfs(d.fd, &st) == nil && int64(st.Type) == unix.PROC_SUPER_MAGIC
}
