package term

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"
)

// terminal is the controlling terminal that hotstart was started on, if any.
// A process that SIGHUP was ignored for, as by nohup(1), is to outlive it.
type ControllingTTY struct{ had bool }

func FindControllingTTY() ControllingTTY {
	return ControllingTTY{had: HasControllingTTY() && !signal.Ignored(syscall.SIGHUP)}
}

// gone reports whether the terminal was closed. SIGHUP comes from a person who
// asks for a reload, and also from the kernel when the terminal is closed.
func (t ControllingTTY) Gone() bool { return t.had && !HasControllingTTY() }

// hasTerminal reports whether this process has a controlling terminal:
// opening /dev/tty fails without one (tty(4)).
func HasControllingTTY() bool {
	f, err := openTerminal()
	if err != nil {
		return false
	}
	f.Close()
	return true
}

func openTerminal() (*os.File, error) {
	return os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY, 0)
}

// lost returns a channel that is closed when the terminal was closed, or nobody reads
// the pipe that stderr is any more. The kernel sends SIGHUP for the first to the leader
// of the session, which may be make(1), and SIGPIPE for the second at the next write.
func (t ControllingTTY) Lost() <-chan struct{} {
	lost := make(chan struct{})
	var fds []unix.PollFd
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // or it would end this process at once
		fds = append(fds, unix.PollFd{Fd: int32(os.Stderr.Fd())})
	}
	var tty *os.File
	if t.had {
		var err error
		if tty, err = openTerminal(); err == nil {
			fds = append(fds, unix.PollFd{Fd: int32(tty.Fd())})
		}
	}
	if len(fds) > 0 {
		go func() { // ends with the process
			defer tty.Close() // so that it stays open
			for {
				unix.Poll(fds, -1)
				for i := range fds {
					switch seen := fds[i].Revents; {
					case seen&unix.POLLNVAL != 0: // macOS can't poll /dev/tty
						fds[i].Fd = -1
					case seen&(unix.POLLHUP|unix.POLLERR) != 0:
						close(lost)
						return
					}
				}
			}
		}()
	}
	return lost
}

// isStoppable reports whether a shell could continue this process after it was
// stopped. The first job of a session has no such shell, and the kernel does not
// stop it at Ctrl-Z either.
func IsStoppable() bool {
	session, _ := unix.Getsid(0)
	return session != unix.Getpgrp()
}

// isTerminal reports whether w is a file that is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
