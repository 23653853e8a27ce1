package starter

import (
	"slices"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/unixpath"
)

// The paths of unix sockets: programs remove them when they end, and before they
// bind, and so take them away from the worker after or before them.

// displaced says that something has happened at the path of a unix socket, and
// later whether that was a while ago.
type displaced struct{ later bool }

// elsewhere is how long a path that no worker can have removed stays away: who
// did so may be about to put something else there.
const elsewhere = time.Second

// A sighting is the path of a unix socket that a worker has bound by itself and
// did not give away: all that can be kept of it is its name.
type sighting struct {
	*unixpath.Path
	generation int
}

// watchPlace has the loop told when the path is removed or replaced.
func (s *Starter) watchPlace(p *unixpath.Path) {
	p.Watch(func() { s.post(displaced{}) })
}

// sight notes the paths that a worker, which serves now, listens on.
func (s *Starter) sight(generation, pid int) {
	for _, path := range proc.ListeningPaths(pid) {
		file, _, err := unixpath.Identify(path)
		if err != nil || s.has(file) {
			continue
		}
		if p := unixpath.Keep(path); p != nil {
			s.watchPlace(p)
			s.sightings = append(s.sightings, sighting{p, generation})
		}
	}
}

// has reports whether the file at a path is known.
func (s *Starter) has(file unixpath.FileID) bool {
	for _, p := range s.places() {
		if p.File == file {
			return true
		}
	}
	return false
}

// places are those that clients are to get to now. A socket that the worker
// has bound at the path of a kept one comes first.
func (s *Starter) places() (all []*unixpath.Path) {
	current := s.machine.in(serving)
	for _, seen := range s.sightings {
		if current != nil && seen.generation == current.Generation {
			all = append(all, seen.Path)
		}
	}
	return append(all, s.kept.Places()...)
}

// moved handles a change at a path: an old worker removes it when it ends.
func (s *Starter) moved(e displaced) {
	if e.later || len(s.machine.workers) != 1 {
		s.lookAfterPaths()
		return
	}
	go func() {
		if sleep(s.ended, elsewhere) {
			s.post(displaced{later: true})
		}
	}()
}

// lookAfterPaths puts back what has been removed. A worker that is starting may
// have done so, and be about to bind: only one that takes paths can do that then.
func (s *Starter) lookAfterPaths() {
	if w := s.machine.in(starting); w == nil || s.takesPaths(w) {
		s.putBackPaths()
	}
}

func (s *Starter) takesPaths(w *worker) bool {
	known := s.workers[w.Generation]
	return known != nil && known.takesPaths
}

func (s *Starter) putBackPaths() {
	expected := s.machine.in(starting) != nil
	for _, p := range s.places() {
		back, err := p.Restore()
		if !back && (err == nil || p.Reported) || back && expected {
			continue
		}
		p.Reported = err != nil
		s.options.Report(Event{Kind: PathLost, Worker: s.machine.likelyCulprit(), Address: Address{Network: "unix", Path: p.Name, FD: -1, Key: p.Name}, Err: err})
	}
}

// loseSight forgets the paths of a worker that has ended.
func (s *Starter) loseSight(generation int) {
	s.sightings = slices.DeleteFunc(s.sightings, func(seen sighting) bool {
		if seen.generation == generation {
			seen.Close()
			return true
		}
		return false
	})
}
