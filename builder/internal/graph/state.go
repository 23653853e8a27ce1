package graph

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// State changes whenever the content of a file changes. The zero value is the state of a
// missing file.
type State struct {
	inode          uint64
	size, modified int64
	changed        int64 // set by the kernel; programs can set the other times
}

// StateOf returns the state of a file.
func StateOf(name string) State {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return State{}
	}
	return State{uint64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano()}
}

// ChangedAfter reports whether the file was changed after a time. The clock of a file system
// may be some milliseconds slow, but the go command takes as long to begin.
func (s State) ChangedAfter(t time.Time) bool { return s.changed > t.UnixNano() }

// moveTimes tells when paths may have begun to exist because a symbolic link was made, or a
// directory was moved: the files in it keep their times. It caches what it has looked up.
type moveTimes map[string]int64

// latest returns the latest such time, in nanoseconds, for a path and the directories above it.
func (m moveTimes) latest(path string) int64 {
	if known, ok := m[path]; ok {
		return known
	}
	var st unix.Stat_t
	var latest int64
	if unix.Lstat(path, &st) == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			latest = st.Ctim.Nano()
		case unix.S_IFDIR: // a new entry in the directory sets both times, a move only one
			if st.Ctim.Nano() > st.Mtim.Nano() {
				latest = st.Ctim.Nano()
			}
		}
	}
	if above := filepath.Dir(path); above != path {
		latest = max(latest, m.latest(above))
	}
	m[path] = latest
	return latest
}

// MovedSince reports whether a file of the graph may have come to its place after a time by a
// symbolic link or a move of a directory.
func (g *Graph) MovedSince(t time.Time) bool {
	moves := moveTimes{}
	for name := range g.Files {
		if moves.latest(name) > t.UnixNano() {
			return true
		}
	}
	return false
}
