package watcher

import (
	"path/filepath"
	"slices"
	"time"
)

// set is the state of a Watcher: the watched directories, and the last known state of their files. It starts no
// goroutine that outlives a call, and does not read the clock. The Watcher calls it under its lock. This file has the
// files; dirs.go has the directories.
type set struct {
	files    Files
	dirs     map[string]*dir
	above    map[string]bool // the directories in dirs, and all their parents
	watches  *watches
	debounce debounce
	pending  pending
	polling  polling

	// State of the current call.
	now      time.Time
	todo     map[string]bool        // directories to scan
	thorough bool                   // compare each file whose stat may be the same after a change, only set during scanAll
	previous map[string]*dir        // previous dirs, only set during replace
	isNew    func(path string) bool // whether a file is new to the set, only set during replace
	newFiles []string               // files that are new to the set, only set during replace
}

func newSet(o Options) *set {
	s := &set{
		watches:  newWatches(),
		debounce: debounce{settle: o.Settle, maxDelay: o.MaxDelay},
		pending:  pending{before: map[string]content{}},
		polling:  polling{interval: o.Poll, fsType: o.fsType, logf: o.Logf, logged: map[string]bool{}},
		todo:     map[string]bool{},
	}
	if o.Poll == 0 {
		s.polling.interval = 500 * time.Millisecond
	}
	return s
}

// step handles the kernel's events, and does what is due. It returns the batch to send, which may be empty, and the time
// of the next step without an event; zero for never.
func (s *set) step(now time.Time, marks map[string]mark, lost bool) (Batch, time.Time) {
	s.now = now
	s.handleEvents(marks)
	if lost {
		s.rescan()
	}
	if s.polling.due(now) {
		s.poll()
		return s.pending.batch(), now // step again immediately: the pause begins after the poll, and now is before it
	}
	if s.debounce.settled(now) {
		s.settle()
	}
	due, poll := s.debounce.due(), s.polling.next(now)
	if due.IsZero() || !poll.IsZero() && poll.Before(due) {
		due = poll
	}
	return s.pending.batch(), due
}

// replace replaces the watched files with f; since is as for Watcher.Watch.
func (s *set) replace(now time.Time, f Files, since time.Time) {
	s.now, s.isNew = now, newTo(s.files, s.dirs)
	s.previous, s.dirs, s.above, s.files = s.dirs, map[string]*dir{}, map[string]bool{}, f
	for _, path := range f.Trees { // first, so that a directory in both lists is a tree
		s.require(filepath.Clean(path), true, true)
	}
	for _, path := range f.Dirs {
		s.require(filepath.Clean(path), true, false)
	}
	s.scanQueued()
	s.unwatchRemoved()
	s.recordNew(since)
	s.previous, s.isNew = nil, nil
	s.debounce.keep(s.isWatched)
	s.pending.keep(s.isWatched)
}

// newTo returns a function that reports whether a file was not watched by f, with the directories dirs.
func newTo(f Files, dirs map[string]*dir) func(path string) bool {
	return func(path string) bool {
		if f.Match != nil && !f.Match(path) {
			return true
		}
		d := filepath.Dir(path)
		if dirs[d] != nil {
			return false
		}
		// The directory may be new below a tree, and its event not yet received.
		for ; dirs[d] == nil; d = filepath.Dir(d) {
			if d == "/" || f.Skip != nil && f.Skip(d) {
				return true
			}
		}
		return !dirs[d].tree
	}
}

// recordNew records the files that are new to the set. A file that may have changed at since or later is marked dirty.
func (s *set) recordNew(since time.Time) {
	placed := &placed{since: since, known: map[string]bool{}}
	for i, f := range readFiles(s.newFiles, s.now) {
		path := s.newFiles[i]
		d := s.dirs[filepath.Dir(path)]
		switch {
		case d == nil, !f.exists: // removed after the listing
		case !since.IsZero() && (f.changedSince(since) || placed.recently(path) || s.lostSince(d, since)):
			s.markDirty(path)
		default:
			d.files[path] = f
		}
	}
	s.newFiles = nil
}

// lostSince reports whether a file may have been removed from or added to a directory at since or later, if the
// directory is new to the set. In the first set every directory is new, and a program that writes into its own
// directory would mark all its files dirty: so the first set does not use it.
func (s *set) lostSince(d *dir, since time.Time) bool {
	st, err := statOf(d.path)
	return len(s.previous) > 0 && s.previous[d.path] == nil && err == nil && modifiedSince(st.Mtim.Nano(), since)
}

// settle compares the collected files with their last known state. While a file is half saved, it holds the batch.
func (s *set) settle() {
	paths := s.debounce.list()
	if !s.debounce.late(s.now) && slices.ContainsFunc(paths, s.halfSaved) {
		s.debounce.hold()
		return
	}
	clear(s.debounce.paths)
	for i, f := range readFiles(paths, s.now) {
		s.record(paths[i], f)
	}
}

// halfSaved reports whether the file has become missing or empty, which happens for a moment during a save.
func (s *set) halfSaved(path string) bool {
	d := s.dirs[filepath.Dir(path)]
	if d == nil {
		return false
	}
	known, is := d.files[path], statFile(path)
	return is.size == 0 && (known.size > 0 || known.exists != (is != stat{}))
}

// record makes f the last known state of the file.
func (s *set) record(path string, f file) {
	d := s.dirs[filepath.Dir(path)]
	if d == nil {
		return
	}
	was := d.files[path].content
	if f.exists {
		d.files[path] = f
	} else {
		delete(d.files, path)
		s.forget(d)
	}
	if f.content != was {
		s.pending.add(path, was, f.content, s.debounce.since)
	}
}

// compare compares the files of the directory with their last known state.
func (s *set) compare(d *dir, paths []string) {
	here := make(map[string]bool, len(paths))
	for _, path := range paths {
		here[path] = true
		s.compareFile(d, path)
	}
	for path := range d.files {
		if !here[path] {
			s.markDirty(path)
		}
	}
}

func (s *set) compareFile(d *dir, path string) {
	known, ok := d.files[path]
	switch {
	case !ok && s.isNew != nil && s.isNew(path):
		s.newFiles = append(s.newFiles, path)
	case !ok, (d.poll || s.thorough) && !known.trusted(), statFile(path) != known.stat:
		s.markDirty(path)
	}
}

// markDirty adds the file to the files that are compared when the batch settles.
func (s *set) markDirty(path string) { s.debounce.add(s.now, s.now, path) }

func (s *set) matches(path string) bool { return s.files.Match == nil || s.files.Match(path) }

// isWatched reports whether a file at path is watched.
func (s *set) isWatched(path string) bool {
	return s.dirs[filepath.Dir(path)] != nil && s.matches(path)
}
