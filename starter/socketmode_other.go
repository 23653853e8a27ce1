//go:build !linux

package starter

import (
	"os"

	"golang.org/x/sys/unix"
)

// give gives the path of a new socket its mode and owner. It follows no
// link; but without O_PATH nothing keeps the path from being exchanged for a
// hard link between the look at it and the change.
func (b binding) give(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || st.Nlink != 1 {
		return errExchanged
	}
	if err := unix.Fchmodat(unix.AT_FDCWD, path, uint32(b.mode.Perm()), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("chmod", err)
	}
	if b.uid < 0 && b.gid < 0 {
		return nil
	}
	return os.Lchown(path, b.uid, b.gid)
}
