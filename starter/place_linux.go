package starter

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A pathWatch tells when a path is removed, renamed or replaced: inotify(7).
type pathWatch struct {
	events *os.File
	name   string
}

// watchPath returns nil where the system watches no more: the path is looked
// at when workers come and go.
func watchPath(path string) *pathWatch {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	const changes = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE_SELF
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), changes|unix.IN_ONLYDIR); err != nil {
		unix.Close(fd)
		return nil
	}
	return &pathWatch{os.NewFile(uintptr(fd), "inotify"), filepath.Base(path)}
}

// run calls tell after each change, until the watch is closed.
func (w *pathWatch) run(tell func()) {
	if w == nil {
		return
	}
	b := make([]byte, 4096)
	for {
		n, err := w.events.Read(b)
		if err != nil {
			return
		}
		if w.concerns(b[:n]) {
			tell()
		}
	}
}

// concerns reports whether one of the events is of the path, or of its
// directory: a name in them ends with zeros.
func (w *pathWatch) concerns(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		// Struct inotify_event is wd, mask, cookie, length of the name.
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		name := bytes.TrimRight(events[unix.SizeofInotifyEvent:min(end, len(events))], "\x00")
		if len(name) == 0 || string(name) == w.name {
			return true
		}
		events = events[min(end, len(events)):]
	}
	return false
}

func (w *pathWatch) close() {
	if w != nil {
		w.events.Close()
	}
}
