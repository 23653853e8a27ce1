package term

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// HavePTY says whether OpenPTY is implemented.
const HavePTY = true

// OpenPTY opens a pseudo-terminal (pts(4)) without output processing, with the size of
// the terminal that stderr is, if it is one.
func OpenPTY() (master, slave *os.File, err error) {
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("open /dev/ptmx", err)
	}
	master = os.NewFile(uintptr(m), "/dev/ptmx")
	s, err := openSlave(m)
	if err != nil {
		master.Close()
		return nil, nil, err
	}
	if size, err := unix.IoctlGetWinsize(2, unix.TIOCGWINSZ); err == nil {
		unix.IoctlSetWinsize(s, unix.TIOCSWINSZ, size)
	}
	return master, os.NewFile(uintptr(s), "pseudo-terminal"), nil
}

func openSlave(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, os.NewSyscallError("unlocking a pseudo-terminal", err)
	}
	n, err := unix.IoctlGetUint32(master, unix.TIOCGPTN)
	if err != nil {
		return -1, os.NewSyscallError("naming a pseudo-terminal", err)
	}
	s, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("opening a pseudo-terminal", err)
	}
	modes, err := unix.IoctlGetTermios(s, unix.TCGETS)
	if err == nil {
		modes.Oflag &^= unix.OPOST // hotstart's terminal does that
		err = unix.IoctlSetTermios(s, unix.TCSETS, modes)
	}
	if err != nil {
		unix.Close(s)
		return -1, os.NewSyscallError("setting up a pseudo-terminal", err)
	}
	return s, nil
}
