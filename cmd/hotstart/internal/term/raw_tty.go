package term

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// RawTTY reads a terminal key by key and without echo. It changes the modes of the
// terminal for that, while hotstart is in the foreground. Keys such as Ctrl-C still send
// signals, and output processing does not change.
type RawTTY struct {
	typed chan []byte // closed at the end of the input
	fd    int

	inForeground func() bool  // of the terminal
	control      func(string) // writes a control sequence to the terminal
	wake         *os.File     // a write makes the reader check the foreground again; closing it ends reading

	mu       sync.Mutex
	saved    *unix.Termios // modes to restore; nil before they were changed
	raw      bool          // the modes are changed
	restored bool          // the reader must not change the modes again, until Resume
}

// foregroundPoll is the interval of checks for a return to the foreground: a shell does
// not signal a process that was running in the background.
const foregroundPoll = time.Second

// OpenRawTTY reads a terminal until ctx is done or the result is closed. control writes a
// control sequence to the terminal, which makes it mark pasted text.
func OpenRawTTY(ctx context.Context, terminal *os.File, control func(string)) (*RawTTY, error) {
	asleep, wake, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	t := &RawTTY{typed: make(chan []byte), fd: int(terminal.Fd()), wake: wake, control: control}
	t.inForeground = func() bool { return inForeground(t.fd) }
	t.take()
	go t.read(ctx, asleep)
	return t, nil
}

// Input returns what is typed. It is closed at the end of the input.
func (t *RawTTY) Input() <-chan []byte { return t.typed }

// take changes the modes, unless this process is in the background: then the kernel
// would stop it.
func (t *RawTTY) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.restored || !t.inForeground() {
		t.raw = false // the process in the foreground has its own modes
		return false
	}
	if t.raw {
		return true
	}
	modes, err := unix.IoctlGetTermios(t.fd, GetModes)
	if err != nil {
		return false
	}
	if t.saved == nil {
		saved := *modes
		t.saved = &saved
	}
	modes.Lflag &^= unix.ICANON | unix.ECHO
	modes.Cc[unix.VMIN], modes.Cc[unix.VTIME] = 1, 0
	if t.raw = unix.IoctlSetTermios(t.fd, SetModes, modes) == nil; t.raw {
		t.control(bracketPasted)
	}
	return t.raw
}

// Bracketed paste, private mode 2004 of Xterm.
const (
	bracketPasted = "\x1b[?2004h"
	plainPasted   = "\x1b[?2004l"
)

// Restore restores the modes, unless this process is in the background.
func (t *RawTTY) Restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.raw && t.inForeground() {
		t.control(plainPasted)
		unix.IoctlSetTermios(t.fd, SetModes, t.saved)
	}
	t.raw, t.restored = false, true
}

// Resume changes the modes again after this process was stopped, as soon as it is in the
// foreground. A nil RawTTY does nothing.
func (t *RawTTY) Resume() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.restored = false
	t.mu.Unlock()
	t.take()
	t.wake.Write([]byte{0})
}

// Close restores the modes and ends reading. A nil RawTTY does nothing.
func (t *RawTTY) Close() {
	if t != nil {
		t.Restore()
		t.wake.Close()
	}
}

// read sends what is typed. It does not read in the background, where the kernel stops a
// process for that.
func (t *RawTTY) read(ctx context.Context, asleep *os.File) {
	defer close(t.typed)
	defer asleep.Close()
	for {
		wait := -1
		fds := []unix.PollFd{{Fd: int32(asleep.Fd()), Events: unix.POLLIN}, {Fd: int32(t.fd), Events: unix.POLLIN}}
		if !t.take() {
			fds, wait = fds[:1], int(foregroundPoll.Milliseconds())
		}
		_, err := unix.Poll(fds, wait)
		switch {
		case err == unix.EINTR || err == nil && len(fds) == 1 && fds[0].Revents == 0:
			continue
		case err != nil:
			return
		case fds[0].Revents != 0:
			if n, _ := asleep.Read(make([]byte, 1)); n == 0 {
				return
			}
			continue
		case !t.inForeground():
			continue
		}
		typed := make([]byte, 4096) // N_TTY_BUF_SIZE of Linux
		n, err := unix.Read(t.fd, typed)
		switch {
		case err == unix.EINTR, err == unix.EAGAIN, err == nil && n == 0 && fds[1].Revents&unix.POLLHUP == 0:
			continue // another process may have changed the modes
		case err != nil || n == 0:
			return
		}
		select {
		case t.typed <- typed[:n]:
		case <-ctx.Done():
			return
		}
	}
}

func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// ReadAll sends what it reads from an input that is not a terminal, until its end or until
// ctx is done.
func ReadAll(ctx context.Context, input io.Reader) <-chan []byte {
	typed := make(chan []byte)
	go func() { // ends with the input, or the process
		defer close(typed)
		for {
			chunk := make([]byte, 32<<10)
			n, err := input.Read(chunk)
			if err != nil {
				return
			}
			select {
			case typed <- chunk[:n]:
			case <-ctx.Done():
				return
			}
		}
	}()
	return typed
}
