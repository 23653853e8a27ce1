package starter

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// exit is the end of a process that need not be a child: a descriptor of
// pidfd_open(2), or -1 on a kernel before 5.3.
type exit struct{ fd int }

func exitOf(pid int) *exit {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		fd = -1
	}
	return &exit{fd}
}

// seen reports whether the process has ended, as far as the kernel tells.
func (e *exit) seen() bool {
	if e.fd < 0 {
		return true
	}
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}}, 0)
	return n > 0
}

// signal signals that process and no later one with its pid.
func (e *exit) signal(pid int, sig syscall.Signal) error {
	if e.fd < 0 {
		return unix.Kill(pid, sig)
	}
	return unix.PidfdSendSignal(e.fd, sig, nil, 0)
}

func (e *exit) close() {
	if e.fd >= 0 {
		unix.Close(e.fd)
	}
}
