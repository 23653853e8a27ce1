package term

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"golang.org/x/sys/unix"
)

// ControllingTTY is the controlling terminal on which hotstart was started, if any. A
// process that ignores SIGHUP, for example under nohup(1), survives its terminal.
type ControllingTTY struct{ had bool }

// FindControllingTTY is called at the start, while the terminal is open.
func FindControllingTTY() ControllingTTY {
	return ControllingTTY{had: HasControllingTTY() && !signal.Ignored(syscall.SIGHUP)}
}

// Gone reports whether the terminal was closed. Then the kernel sends SIGHUP, which
// otherwise asks for a reload.
func (t ControllingTTY) Gone() bool { return t.had && !HasControllingTTY() }

// HasControllingTTY reports whether this process has a controlling terminal: without
// one, opening /dev/tty fails (tty(4)).
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

// Lost returns a channel that is closed when the terminal is closed, or when stderr is
// a pipe and its reader has exited. The kernel sends SIGHUP for the first to the leader
// of the session alone, which may be make(1), and SIGPIPE for the second at the next
// write.
func (t ControllingTTY) Lost() <-chan struct{} {
	lost := make(chan struct{})
	var fds []unix.PollFd
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // by default it ends the process
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
			defer tty.Close() // keeps tty open until then
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

// IsStoppable reports whether a shell could continue this process after it was
// stopped. The first job of a session has no such shell, and the kernel does not
// stop it at Ctrl-Z either.
func IsStoppable() bool {
	session, _ := unix.Getsid(0)
	return session != unix.Getpgrp()
}

// IsTerminal reports whether w is a file that is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
