package watcher

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// dir is one directory whose files count.
type dir struct {
	path  string
	named bool // in Files itself, so awaited while it is missing; not just found below a tree
	tree  bool // the directories in it count too
	poll  bool // events don't come, or not all
	gone  bool
	// The nearest directory above that exists, watched for the return of one that is gone and named. Empty else.
	anchor string
	files  map[string]file // what is known, by path
}

// heed takes in what the kernel told.
func (s *set) heed(marks map[string]mark) {
	events := s.eyes.events(marks)
	s.eyes.gone(events)
	for _, e := range events {
		s.note(e)
	}
	s.look()
}

func (s *set) note(e event) {
	if s.above[e.path] {
		s.lookBelow(e.path)
	}
	parent := s.dirs[filepath.Dir(e.path)]
	if parent == nil {
		return
	}
	if parent.tree && e.op.Has(fsnotify.Create) && isRealDir(e.path) {
		s.child(e.path)
	}
	if s.matches(e.path) {
		s.gather.add(s.now, e.at, e.path)
	}
}

// poll looks at each directory that events don't come for.
func (s *set) poll() {
	s.polling.at = time.Time{}
	for path, d := range s.dirs {
		if d.poll {
			s.todo[path] = true
		}
	}
	s.look()
}

// rescan watches and reads everything again, since events are missing.
func (s *set) rescan() {
	for path, d := range s.dirs {
		s.eyes.close(path) // the event that its directory is no more may be among the missing
		s.eyes.close(d.anchor)
		s.todo[path] = true
		for path := range d.files {
			s.suspect(path)
		}
	}
	s.look()
}

// look brings every directory of todo, and what turns up meanwhile, up to date with the disk.
func (s *set) look() {
	looked := false
	for s.lookBlind(); len(s.todo) > 0; s.lookBlind() {
		looked = true
		for _, path := range slices.Sorted(maps.Keys(s.todo)) {
			delete(s.todo, path)
			if d := s.dirs[path]; d != nil {
				s.lookAt(d)
			}
		}
	}
	if looked {
		s.polling.needed = s.anyPolled()
	}
}

// lookBlind has the directories looked at whose watch has ended by itself.
func (s *set) lookBlind() {
	for _, name := range s.eyes.takeBlind() {
		s.lookBelow(name)
	}
}

// lookBelow has the directories looked at that are path or lie below it.
func (s *set) lookBelow(path string) {
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

// lookAt watches first, then lists: what comes after the listing comes as an event.
func (s *set) lookAt(d *dir) {
	poll, err := s.watch(d.path)
	var entries []os.DirEntry
	if err == nil {
		entries, err = os.ReadDir(d.path)
	}
	switch {
	case isMissing(err):
		s.lose(d)
	case err != nil:
		d.poll = true // it can't be read, and no event would tell when it can
	default:
		s.find(d, poll, entries)
	}
}

// find notes that the directory is there, and what is in it.
func (s *set) find(d *dir, poll bool, entries []os.DirEntry) {
	anchor := d.anchor
	d.gone, d.anchor = false, ""
	s.release(anchor)
	d.poll = d.poll || poll // no event tells what has changed since the last poll
	var paths []string
	for _, entry := range entries {
		path := filepath.Join(d.path, entry.Name())
		switch {
		case entry.IsDir() && d.tree:
			s.child(path)
		case !entry.IsDir() && s.matches(path):
			paths = append(paths, path)
		}
	}
	s.compare(d, paths)
	d.poll = poll
}

// lose notes that the directory is missing.
func (s *set) lose(d *dir) {
	s.compare(d, nil)
	d.gone, d.poll = true, false
	s.release(d.path)
	if d.named {
		s.await(d)
	} else {
		s.tidy(d)
	}
}

// await watches the nearest directory above d that exists, to see d return.
func (s *set) await(d *dir) {
	child := d.path
	poll, err := s.watch(filepath.Dir(child))
	for err != nil && child != "/" {
		child = filepath.Dir(child)
		poll, err = s.watch(filepath.Dir(child))
	}
	left := d.anchor
	d.anchor, d.poll = filepath.Dir(child), poll
	s.release(left)
	// It was missing before this watch began, and may have come before it did.
	if _, err := dirInode(child); err == nil {
		s.todo[d.path] = true
	}
}

// watch opens the directory and reports whether it must be polled as well: where changes are made elsewhere, the kernel
// still tells at once of those that are made here. The error says that it is missing.
func (s *set) watch(name string) (poll bool, err error) {
	err = s.eyes.open(name)
	switch {
	case isMissing(err):
		return false, err
	case err != nil:
		s.polling.failed(name, err)
		return true, nil
	}
	return s.eyes.kernel == nil || s.polling.eventless(name), nil
}

// release closes the name, unless it is needed still.
func (s *set) release(name string) {
	if d := s.dirs[name]; d != nil && !d.gone {
		return
	}
	for _, d := range s.dirs {
		if d.anchor == name {
			return
		}
	}
	s.eyes.close(name)
}

// leave releases the directories of before that are not in the set any more.
func (s *set) leave() {
	for path, d := range s.old {
		if s.dirs[path] == nil {
			s.release(path)
			s.release(d.anchor)
		}
	}
	s.look() // those that shared an eye with one that left
}

// tidy forgets a directory found below a tree once it and its files are gone.
func (s *set) tidy(d *dir) {
	if d.gone && !d.named && len(d.files) == 0 {
		delete(s.dirs, d.path)
	}
}

// child takes in a directory found in one of a tree.
func (s *set) child(path string) {
	if s.files.Skip == nil || !s.files.Skip(path) {
		s.want(path, false, true)
	}
}

// want makes the directory one of the set, and has it looked at if that is news.
func (s *set) want(path string, named, tree bool) {
	d, news := s.dirs[path], false
	if d == nil {
		d, news = s.adopt(path), true
		s.dirs[path] = d
	}
	if news || d.gone || tree && !d.tree {
		s.todo[path] = true
	}
	d.named, d.tree = d.named || named, d.tree || tree
	for a := path; !s.above[a]; a = filepath.Dir(a) {
		s.above[a] = true
	}
}

// adopt returns what was known of the directory before the set was replaced, as far as it still counts, or a new one.
func (s *set) adopt(path string) *dir {
	d := s.old[path]
	if d == nil {
		return &dir{path: path, files: map[string]file{}}
	}
	d.named, d.tree = false, false
	maps.DeleteFunc(d.files, func(path string, _ file) bool { return !s.matches(path) })
	return d
}

// isRealDir reports whether path is a directory and no symbolic link to one: those are not followed below a tree, as by
// filepath.WalkDir and the go command, so there are no loops.
func isRealDir(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}
