package starter

import (
	"os"
	"slices"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/unixpath"
)

// Programs remove the paths of unix sockets when they exit, and before they bind.
// So they remove the paths of the workers after and before them. This file
// restores the paths.

// absence is the time before a path is restored that no worker has removed: the
// process that did so may be about to put something else there.
const absence = time.Second

// ownPath is the path of a unix socket that a worker has bound itself and has not
// given to the broker. Only its name can be kept.
type ownPath struct {
	*unixpath.Path
	generation int
}

// watchPath makes the loop learn when the path is removed or replaced.
func (s *Starter) watchPath(p *unixpath.Path) {
	p.Watch(func() { s.post(s.pathChanged) })
}

// findPaths records the paths on which a worker that serves now listens.
func (s *Starter) findPaths(w Worker) {
	for _, path := range proc.ListeningPaths(w.PID) {
		file, err := os.Lstat(path)
		if err != nil || slices.ContainsFunc(s.places(), func(p *unixpath.Path) bool { return os.SameFile(p.File, file) }) {
			continue
		}
		if p := unixpath.Keep(path); p != nil {
			s.watchPath(p)
			s.paths = append(s.paths, ownPath{p, w.Generation})
		}
	}
}

// places lists the paths by which clients are to reach the workers now. A socket
// that the worker has bound at the path of a kept socket comes first.
func (s *Starter) places() (all []*unixpath.Path) {
	current, _ := s.machine.Serving()
	for _, p := range s.paths {
		if p.generation == current.Generation {
			all = append(all, p.Path)
		}
	}
	for _, socket := range s.kept.All() {
		if socket.Place != nil {
			all = append(all, socket.Place)
		}
	}
	return all
}

// pathChanged handles a change at a path. If there is an old worker, the old
// worker has removed the path.
func (s *Starter) pathChanged() []machine.Event {
	if len(s.machine.All()) != 1 {
		s.checkPaths()
		return nil
	}
	time.AfterFunc(absence, func() {
		s.post(func() []machine.Event { s.checkPaths(); return nil })
	})
	return nil
}

// checkPaths restores removed paths. A starting worker may have removed a path to
// bind it: then only a path of a worker that takes paths can be restored.
func (s *Starter) checkPaths() {
	w, starts := s.machine.Starting()
	if !starts || s.workers[w.Generation] != nil && s.workers[w.Generation].takesPaths {
		s.restorePaths()
	}
}

func (s *Starter) restorePaths() {
	_, expected := s.machine.Starting()
	for _, p := range s.places() {
		restored, err := p.Restore()
		if !restored && (err == nil || p.Reported) || restored && expected {
			continue
		}
		p.Reported = err != nil
		s.options.Report(Event{Kind: PathLost, Worker: workerOf(s.machine.LikelyCulprit()), Address: Address{Network: "unix", Path: p.Name, FD: -1, Key: p.Name}, Err: err})
	}
}

// forgetPaths forgets the paths of a worker that has exited.
func (s *Starter) forgetPaths(generation int) {
	s.paths = slices.DeleteFunc(s.paths, func(p ownPath) bool {
		if p.generation == generation {
			p.Close()
			return true
		}
		return false
	})
}
