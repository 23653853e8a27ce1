package term

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// keyboard is what is typed on the terminal, byte by byte and unseen: its
// modes are changed for that, as long as hotstart is in the foreground. Keys
// that make signals still do, and what is written looks as before.
type RawTTY struct {
	typed chan []byte // closed at the end of the input
	fd    int
	mine  func() bool  // the terminal is this process's to use
	tell  func(string) // writes a control sequence to the terminal; nil: keys are not decoded
	wake  *os.File     // written to for another look at the foreground, closed to end reading

	mu    sync.Mutex
	saved *unix.Termios // modes to give back; nil: none were changed yet
	ours  bool          // the modes are ours
	left  bool          // given back, until resume: the reader must not take them again
}

// background is how often is looked whether hotstart has come back to the
// foreground: a shell does not tell a process that was running all along.
const background = time.Second

// newKeyboard reads a terminal until ended is done. With tell, pasted text is
// marked as such. The caller calls release in the end.
func OpenRawTTY(terminal *os.File, tell func(string), ended context.Context) (*RawTTY, error) {
	asleep, wake, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	k := &RawTTY{typed: make(chan []byte), fd: int(terminal.Fd()), wake: wake, tell: tell}
	k.mine = func() bool { return inForeground(k.fd) }
	k.take()
	go k.read(asleep, ended)
	return k, nil
}

// input carries what is typed. It is closed at the end.
func (k *RawTTY) Input() <-chan []byte { return k.typed }

// take changes the modes, if this process may: one in the background would
// be stopped for it.
func (k *RawTTY) take() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left || !k.mine() {
		k.ours = false // those of whoever is there
		return false
	}
	if k.ours {
		return true
	}
	modes, err := unix.IoctlGetTermios(k.fd, GetModes)
	if err != nil {
		return false
	}
	if k.saved == nil {
		saved := *modes
		k.saved = &saved
	}
	modes.Lflag &^= unix.ICANON | unix.ECHO
	modes.Cc[unix.VMIN], modes.Cc[unix.VTIME] = 1, 0
	if k.ours = unix.IoctlSetTermios(k.fd, SetModes, modes) == nil; k.ours {
		k.markPasted(true)
	}
	return k.ours
}

// What a terminal brackets a pasted text with, Xterm's private mode 2004.
const (
	bracketPasted = "\x1b[?2004h"
	plainPasted   = "\x1b[?2004l"
)

func (k *RawTTY) markPasted(on bool) {
	switch {
	case k.tell == nil:
	case on:
		k.tell(bracketPasted)
	default:
		k.tell(plainPasted)
	}
}

// giveBack restores the modes, unless somebody else is in the foreground.
func (k *RawTTY) Restore() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ours && k.mine() {
		k.markPasted(false)
		unix.IoctlSetTermios(k.fd, SetModes, k.saved)
	}
	k.ours, k.left = false, true
}

// resume takes the modes again after this process was stopped, as soon as it
// is in the foreground.
func (k *RawTTY) Resume() {
	if k == nil {
		return
	}
	k.mu.Lock()
	k.left = false
	k.mu.Unlock()
	k.take()
	k.wake.Write([]byte{0})
}

// release restores the modes and ends reading. nil has nothing to do.
func (k *RawTTY) Close() {
	if k != nil {
		k.Restore()
		k.wake.Close()
	}
}

// read sends what is typed. It never reads while in the background, where
// that stops a process.
func (k *RawTTY) read(asleep *os.File, ended context.Context) {
	defer close(k.typed)
	defer asleep.Close()
	for {
		wait := -1
		fds := []unix.PollFd{{Fd: int32(asleep.Fd()), Events: unix.POLLIN}, {Fd: int32(k.fd), Events: unix.POLLIN}}
		if !k.take() {
			fds, wait = fds[:1], int(background.Milliseconds())
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
		case !k.mine():
			continue
		}
		typed := make([]byte, 4096) // all that a terminal holds, N_TTY_BUF_SIZE of Linux
		n, err := unix.Read(k.fd, typed)
		switch {
		case err == unix.EINTR, err == unix.EAGAIN, err == nil && n == 0 && fds[1].Revents&unix.POLLHUP == 0:
			continue // another process may have changed the modes
		case err != nil || n == 0:
			return
		}
		select {
		case k.typed <- typed[:n]:
		case <-ended.Done():
			return
		}
	}
}

// inForeground reports whether a terminal is this process's to use.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// readAll sends what comes on an input that is no terminal.
func ReadAll(input io.Reader, ended context.Context) <-chan []byte {
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
			case <-ended.Done():
				return
			}
		}
	}()
	return typed
}
