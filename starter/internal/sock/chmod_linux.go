package sock

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// chmod sets the mode and owner of a new socket, by a descriptor of its path: a
// user who owns the directory may have replaced the path by a link. That user can
// still put another socket of the same directory at the path.
func (b Binding) chmod(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK || st.Nlink != 1 {
		return errExchanged
	}
	// fchmod(2) does not take such a descriptor, and fchmodat2(2) needs Linux 6.6.
	if err := os.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), b.Mode); errors.Is(err, unix.ENOENT) {
		err = unix.Fchmodat(fd, "", uint32(b.Mode.Perm()), unix.AT_EMPTY_PATH)
		if err != nil {
			return fmt.Errorf("changing its mode without /proc: %w", err)
		}
	} else if err != nil {
		return err
	}
	if b.UID < 0 && b.GID < 0 {
		return nil
	}
	return os.NewSyscallError("chown", unix.Fchownat(fd, "", b.UID, b.GID, unix.AT_EMPTY_PATH))
}
