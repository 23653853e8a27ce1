package starter

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// give gives the path of a new socket its mode and owner, by a descriptor of
// it: the path itself may have been exchanged for a link by now, if another
// user owns its folder. That user can still put another socket of the same
// folder in its place.
func (b binding) give(path string) error {
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
	// fchmod(2) takes no such descriptor, and fchmodat2(2) is as new as Linux 6.6.
	if err := os.Chmod(fmt.Sprintf("/proc/self/fd/%d", fd), b.mode); errors.Is(err, unix.ENOENT) {
		err = unix.Fchmodat(fd, "", uint32(b.mode.Perm()), unix.AT_EMPTY_PATH)
		if err != nil {
			return fmt.Errorf("changing its mode without /proc: %w", err)
		}
	} else if err != nil {
		return err
	}
	if b.uid < 0 && b.gid < 0 {
		return nil
	}
	return os.NewSyscallError("chown", unix.Fchownat(fd, "", b.uid, b.gid, unix.AT_EMPTY_PATH))
}
