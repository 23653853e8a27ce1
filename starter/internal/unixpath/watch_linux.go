package unixpath

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// watch watches for changes of a path; inotify(7).
type watch struct {
	events *os.File
	name   string
}

// newWatch returns nil where the system can't watch more files. The path is then
// checked when workers come and go.
func newWatch(path string) *watch {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil
	}
	const changes = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE_SELF
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), changes|unix.IN_ONLYDIR); err != nil {
		unix.Close(fd)
		return nil
	}
	return &watch{os.NewFile(uintptr(fd), "inotify"), filepath.Base(path)}
}

// run calls changed after each change, until the watch is closed.
func (w *watch) run(changed func()) {
	b := make([]byte, 4096)
	for {
		n, err := w.events.Read(b)
		if err != nil {
			return
		}
		if w.concerns(b[:n]) {
			changed()
		}
	}
}

// concerns reports whether one of the events is about the path or its directory.
func (w *watch) concerns(events []byte) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		// Struct inotify_event is wd, mask, cookie, length of the name. The name is
		// padded with zeros.
		end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[12:]))
		name := bytes.TrimRight(events[unix.SizeofInotifyEvent:min(end, len(events))], "\x00")
		if len(name) == 0 || string(name) == w.name {
			return true
		}
		events = events[min(end, len(events)):]
	}
	return false
}

func (w *watch) close() {
	if w != nil {
		w.events.Close()
	}
}
