package watcher

import (
	"path/filepath"
	"slices"
	"time"
)

// set is all that is watched and known. It starts no goroutine that outlives a call and looks at no clock; the Watcher
// calls it under its lock. This file is about what is known of files; dirs.go about which directories are watched.
type set struct {
	files   Files
	dirs    map[string]*dir
	above   map[string]bool // every one of dirs, and every directory above one
	eyes    *eyes
	gather  gather
	untold  untold
	polling polling

	// The call under way.
	now    time.Time
	todo   map[string]bool        // directories to look at
	old    map[string]*dir        // while the set is replaced: those of before
	fresh  func(path string) bool // while the set is replaced: is this file new to it?
	unread []string               // while the set is replaced: files that are
}

func newSet(o Options) *set {
	s := &set{
		eyes:    newEyes(),
		gather:  gather{quiet: o.Quiet, longest: o.Longest},
		untold:  untold{was: map[string]content{}},
		polling: polling{interval: o.Poll, fsType: o.fsType, logf: o.Logf, told: map[string]bool{}},
		todo:    map[string]bool{},
	}
	if o.Poll == 0 {
		s.polling.interval = 500 * time.Millisecond
	}
	return s
}

// step takes in what the kernel told, and does what is due. It returns what can be sent, and when to step again if
// nothing comes before: zero for never.
func (s *set) step(now time.Time, marks map[string]mark, lost bool) (Batch, time.Time) {
	s.now = now
	s.heed(marks)
	if lost {
		s.rescan()
	}
	if s.polling.due(now) {
		s.poll()
		return s.untold.batch(), now // step again at once, since the pause begins after the poll, and now was before it
	}
	if s.gather.settled(now) {
		s.settle()
	}
	due, poll := s.gather.due(), s.polling.next(now)
	if due.IsZero() || !poll.IsZero() && poll.Before(due) {
		due = poll
	}
	return s.untold.batch(), due
}

// replace makes f what is watched; since is as for Watcher.Watch.
func (s *set) replace(now time.Time, f Files, since time.Time) {
	s.now, s.fresh = now, newTo(s.files, s.dirs)
	s.old, s.dirs, s.above, s.files = s.dirs, map[string]*dir{}, map[string]bool{}, f
	for _, path := range f.Trees { // first, so that what is in both is a tree
		s.want(filepath.Clean(path), true, true)
	}
	for _, path := range f.Dirs {
		s.want(filepath.Clean(path), true, false)
	}
	s.look()
	s.leave()
	s.learnNew(since)
	s.old, s.fresh = nil, nil
	s.gather.keep(s.counts)
	s.untold.keep(s.counts)
}

// newTo returns whether a file was not among those watched by f, of which the directories dirs were met.
func newTo(f Files, dirs map[string]*dir) func(path string) bool {
	return func(path string) bool {
		if f.Match != nil && !f.Match(path) {
			return true
		}
		d := filepath.Dir(path)
		if dirs[d] != nil {
			return false
		}
		// It may be new below a tree, with the event on its way.
		for ; dirs[d] == nil; d = filepath.Dir(d) {
			if d == "/" || f.Skip != nil && f.Skip(d) {
				return true
			}
		}
		return !dirs[d].tree
	}
}

// learnNew takes the files that are new to the set as known, or as changed if that may have been at since or later.
func (s *set) learnNew(since time.Time) {
	placed := &placed{since: since, known: map[string]bool{}}
	for i, f := range readFiles(s.unread, s.now) {
		path := s.unread[i]
		d := s.dirs[filepath.Dir(path)]
		switch {
		case d == nil, !f.exists: // gone since it was listed
		case !since.IsZero() && (f.changedSince(since) || placed.recently(path) || s.lostSince(d, since)):
			s.suspect(path)
		default:
			d.files[path] = f
		}
	}
	s.unread = nil
}

// lostSince reports whether a directory that is new to the set may have lost a file at since or later, or got one. All
// of them are new to the first set: there a program that writes into its own folder would have everything count.
func (s *set) lostSince(d *dir, since time.Time) bool {
	st, err := statOf(d.path)
	return len(s.old) > 0 && s.old[d.path] == nil && err == nil && modifiedSince(st.Mtim.Nano(), since)
}

// settle compares what was gathered with what is known. As long as a file is half saved, the whole batch is held.
func (s *set) settle() {
	paths := s.gather.list()
	if !s.gather.late(s.now) && slices.ContainsFunc(paths, s.halfSaved) {
		s.gather.hold()
		return
	}
	s.gather.clear()
	for i, f := range readFiles(paths, s.now) {
		s.learn(paths[i], f)
	}
}

// halfSaved reports whether the file has become missing or empty, as it is for a moment when it is saved.
func (s *set) halfSaved(path string) bool {
	d := s.dirs[filepath.Dir(path)]
	if d == nil {
		return false
	}
	known, is := d.files[path], statFile(path)
	return is.size == 0 && (known.size > 0 || known.exists != (is != stat{}))
}

// learn makes f what is known of the file.
func (s *set) learn(path string, f file) {
	d := s.dirs[filepath.Dir(path)]
	if d == nil {
		return
	}
	was := d.files[path].content
	if f.exists {
		d.files[path] = f
	} else {
		delete(d.files, path)
		s.tidy(d)
	}
	if f.content != was {
		s.untold.add(path, was, f.content, s.gather.since)
	}
}

// compare takes in that the directory has these files now.
func (s *set) compare(d *dir, paths []string) {
	here := make(map[string]bool, len(paths))
	for _, path := range paths {
		here[path] = true
		s.compareFile(d, path)
	}
	for path := range d.files {
		if !here[path] {
			s.suspect(path)
		}
	}
}

func (s *set) compareFile(d *dir, path string) {
	known, ok := d.files[path]
	switch {
	case !ok && s.fresh != nil && s.fresh(path):
		s.unread = append(s.unread, path)
	case !ok, d.poll && !known.trusted(), statFile(path) != known.stat:
		s.suspect(path)
	}
}

// suspect has the file compared when the batch settles.
func (s *set) suspect(path string) { s.gather.add(s.now, s.now, path) }

func (s *set) matches(path string) bool { return s.files.Match == nil || s.files.Match(path) }

// counts reports whether path is one of the files that are watched, if it exists.
func (s *set) counts(path string) bool {
	return s.dirs[filepath.Dir(path)] != nil && s.matches(path)
}
