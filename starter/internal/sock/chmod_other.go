//go:build !linux

package sock

import (
	"os"

	"golang.org/x/sys/unix"
)

// chmod sets the mode and owner of a new socket. It does not follow symbolic
// links. But without O_PATH, the path can be replaced by a hard link between the
// check and the change.
func (b Binding) chmod(path string) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || st.Nlink != 1 {
		return errExchanged
	}
	if err := unix.Fchmodat(unix.AT_FDCWD, path, uint32(b.Mode.Perm()), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("chmod", err)
	}
	if b.UID < 0 && b.GID < 0 {
		return nil
	}
	return os.Lchown(path, b.UID, b.GID)
}
