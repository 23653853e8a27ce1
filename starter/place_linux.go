package starter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/proc"
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

// listeningPaths lists the paths of the unix sockets that a worker, or a
// process that it has forked, listens on. An address without a path is not
// among them.
func listeningPaths(worker int) (paths []string) {
	sockets := map[string]int{} // processes by link
	proc.EachOfWorkers([]int{worker}, func(pid int, fd, to string) {
		if proc.SocketInode(to) != 0 {
			sockets[to] = pid
		}
	})
	if len(sockets) == 0 {
		return nil
	}
	// Num RefCount Protocol Flags Type St Inode Path
	const accepts = "00010000" // __SO_ACCEPTCON
	proc.EachLine(fmt.Sprintf("/proc/%d/net/unix", worker), func(f []string) {
		if len(f) < 8 || f[3] != accepts || sockets["socket:["+f[6]+"]"] == 0 {
			return
		}
		path := strings.Join(f[7:], " ")
		if path[0] != '/' && path[0] != '@' {
			dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", sockets["socket:["+f[6]+"]"]))
			if err != nil {
				return
			}
			path = filepath.Join(dir, path)
		}
		if path[0] == '/' && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	})
	return paths
}
