package watcher

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// dir is a watched directory.
type dir struct {
	path    string
	listed  bool // listed in Files, so its parent is watched while it is missing; false if it was found below a tree
	tree    bool // its subdirectories are watched too
	poll    bool // not all changes send events
	missing bool
	// The nearest existing parent, watched while the directory is listed and missing; empty otherwise.
	anchor string
	files  map[string]file // last known state, by path
}

// handleEvents handles the events of the kernel.
func (s *set) handleEvents(marks map[string]mark) {
	events := s.watches.events(marks)
	s.watches.dropEnded(events)
	for _, e := range events {
		s.handleEvent(e)
	}
	s.scanQueued()
}

func (s *set) handleEvent(e event) {
	if s.above[e.path] {
		s.queueBelow(e.path)
	}
	parent := s.dirs[filepath.Dir(e.path)]
	if parent == nil {
		return
	}
	if parent.tree && e.op.Has(fsnotify.Create) && isRealDir(e.path) {
		s.addSubdir(e.path)
	}
	if s.matches(e.path) {
		s.debounce.add(s.now, e.at, e.path)
	}
}

// poll scans each directory that needs polling.
func (s *set) poll() {
	s.polling.at = time.Time{}
	for path, d := range s.dirs {
		if d.poll {
			s.todo[path] = true
		}
	}
	s.scanQueued()
}

// scanAll scans every directory as a poll does.
func (s *set) scanAll(now time.Time) {
	s.now, s.thorough = now, true
	defer func() { s.thorough = false }()
	for path := range s.dirs {
		s.todo[path] = true
	}
	s.scanQueued()
}

// rescan watches and reads everything again. It is called when events were lost.
func (s *set) rescan() {
	for path, d := range s.dirs {
		s.watches.close(path) // the event of its removal may be lost
		s.watches.close(d.anchor)
		s.todo[path] = true
		for path := range d.files {
			s.markDirty(path)
		}
	}
	s.scanQueued()
}

// scanQueued scans every directory of todo, and those that are queued during the scan.
func (s *set) scanQueued() {
	scanned := false
	for s.queueLost(); len(s.todo) > 0; s.queueLost() {
		scanned = true
		for _, path := range slices.Sorted(maps.Keys(s.todo)) {
			delete(s.todo, path)
			if d := s.dirs[path]; d != nil {
				s.scan(d)
			}
		}
	}
	if scanned {
		s.polling.needed = s.anyPolled()
	}
}

// queueLost queues the directories that have lost their watch.
func (s *set) queueLost() {
	for _, name := range s.watches.takeLost() {
		s.queueBelow(name)
	}
}

// queueBelow queues path and the directories below it.
func (s *set) queueBelow(path string) {
	for name := range s.dirs {
		if within(name, path) {
			s.todo[name] = true
		}
	}
}

func (s *set) anyPolled() bool {
	for _, d := range s.dirs {
		if d.poll {
			return true
		}
	}
	return false
}

// scan watches the directory before it lists it: each change after the listing then sends an event.
func (s *set) scan(d *dir) {
	poll, err := s.watch(d.path)
	var entries []os.DirEntry
	if err == nil {
		entries, err = os.ReadDir(d.path)
	}
	switch {
	case isMissing(err):
		s.missing(d)
	case err != nil:
		d.poll = true // unreadable; no event is sent when it becomes readable
	default:
		s.found(d, poll, entries)
	}
}

// found records an existing directory and its entries.
func (s *set) found(d *dir, poll bool, entries []os.DirEntry) {
	anchor := d.anchor
	d.missing, d.anchor = false, ""
	s.release(anchor)
	d.poll = d.poll || poll // changes since the last poll sent no event
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(d.path, entry.Name())
		switch {
		case entry.IsDir() && d.tree:
			s.addSubdir(path)
		case !entry.IsDir() && s.matches(path):
			paths = append(paths, path)
		}
	}
	s.compare(d, paths)
	d.poll = poll
}

// missing records that the directory is missing.
func (s *set) missing(d *dir) {
	s.compare(d, nil)
	d.missing, d.poll = true, false
	s.release(d.path)
	if d.listed {
		s.watchParent(d)
	} else {
		s.forget(d)
	}
}

// watchParent watches the nearest existing parent of d, to see when d is created.
func (s *set) watchParent(d *dir) {
	child := d.path
	poll, err := s.watch(filepath.Dir(child))
	for err != nil && child != "/" {
		child = filepath.Dir(child)
		poll, err = s.watch(filepath.Dir(child))
	}
	previous := d.anchor
	d.anchor, d.poll = filepath.Dir(child), poll
	s.release(previous)
	// The directory may have been created before the watch of its parent began.
	if _, err := dirInode(child); err == nil {
		s.todo[d.path] = true
	}
}

// watch watches the directory, and reports whether it must be polled as well: the kernel sends no events for changes
// that are made on another machine. The error says that the directory is missing.
func (s *set) watch(name string) (poll bool, err error) {
	err = s.watches.open(name)
	switch {
	case isMissing(err):
		return false, err
	case err != nil:
		s.polling.refused(name, "what can't be watched", err)
		return true, nil
	}
	return s.watches.kernel == nil || s.polling.eventless(name), nil
}

// release closes the watch of the name, unless it is still needed.
func (s *set) release(name string) {
	if d := s.dirs[name]; d != nil && !d.missing {
		return
	}
	for _, d := range s.dirs {
		if d.anchor == name {
			return
		}
	}
	s.watches.close(name)
}

// unwatchRemoved releases the previous directories that are no longer in the set.
func (s *set) unwatchRemoved() {
	for path, d := range s.previous {
		if s.dirs[path] == nil {
			s.release(path)
			s.release(d.anchor)
		}
	}
	s.scanQueued() // a directory may have shared its watch with a removed one
}

// forget removes a directory that was found below a tree, if the directory and its files are missing.
func (s *set) forget(d *dir) {
	if d.missing && !d.listed && len(d.files) == 0 {
		delete(s.dirs, d.path)
	}
}

// addSubdir adds a directory that was found in a tree.
func (s *set) addSubdir(path string) {
	if s.files.Skip == nil || !s.files.Skip(path) {
		s.require(path, false, true)
	}
}

// require adds the directory to the set, and queues it if it is new.
func (s *set) require(path string, named, tree bool) {
	d, added := s.dirs[path], false
	if d == nil {
		d, added = s.inherit(path), true
		s.dirs[path] = d
	}
	if added || d.missing || tree && !d.tree {
		s.todo[path] = true
	}
	d.listed, d.tree = d.listed || named, d.tree || tree
	for a := path; !s.above[a]; a = filepath.Dir(a) {
		s.above[a] = true
	}
}

// inherit returns the directory of the previous set, with the files that still match, or a new directory.
func (s *set) inherit(path string) *dir {
	d := s.previous[path]
	if d == nil {
		return &dir{path: path, files: map[string]file{}}
	}
	d.listed, d.tree = false, false
	maps.DeleteFunc(d.files, func(path string, _ file) bool { return !s.matches(path) })
	return d
}

// isRealDir reports whether path is a directory and not a symbolic link to one. Below a tree, symbolic links are not
// followed, like by filepath.WalkDir and the go command, so there are no loops.
func isRealDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
