package starter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// A worker may leave processes running when it exits. A wrapper such as
// `sh -c 'app; true'` exits at its signal, and the program that it has started
// keeps serving: that program holds the sockets and accepts its share of the
// connections. A program that daemonizes, as daemon(3) does, exits with
// status 0 and leaves a process in a session of its own, which serves old code
// until it is stopped.

// looked is the result of a search for leftovers of one worker.
type looked struct {
	worker Worker
	found  []proc.Leftover
}

// leftoverGrace is the time that a process gets to exit after its worker.
const leftoverGrace = time.Second

// lookForLeftovers searches for leftovers of an exited worker after the grace
// period, and sends the result to the loop. It does nothing where everything
// that a worker has started is killed.
func (s *Starter) lookForLeftovers(w Worker) {
	inodes := s.kept.Inodes()
	if len(inodes) == 0 || s.options.KillDescendants && !s.options.KillGroup {
		return
	}
	s.unlooked[w.Generation] = w
	go func() {
		if sleep(s.ended, leftoverGrace) {
			s.post(looked{w, proc.Leftovers(map[int]int{w.Generation: w.PID}, inodes)})
		}
	}()
}

// lastLook searches for leftovers of the last workers before the kept sockets
// are closed, and waits up to leftoverGrace for them to exit.
func (s *Starter) lastLook() {
	pids, inodes := map[int]int{}, s.kept.Inodes()
	for generation, w := range s.unlooked {
		pids[generation] = w.PID
	}
	var found []proc.Leftover
	for end := time.Now().Add(leftoverGrace); len(pids) > 0; time.Sleep(leftoverGrace / 20) {
		found = proc.Leftovers(pids, inodes)
		if len(found) == 0 || time.Now().After(end) {
			break
		}
	}
	for _, w := range s.unlooked {
		s.reportLeftovers(looked{w, found})
	}
}

// reportLeftovers reports one event for the leftovers of a worker.
func (s *Starter) reportLeftovers(l looked) {
	const most = 3 // processes to name
	found := slices.DeleteFunc(slices.Clone(l.found), func(f proc.Leftover) bool { return f.Generation != l.worker.Generation })
	if len(found) == 0 {
		return
	}
	var names []string
	for _, f := range found {
		names = append(names, f.Process)
	}
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("%d more", more))
	}
	if socket := s.kept.Find(found[0].Inode); socket != nil {
		s.options.Report(Event{Kind: LeftoverProcess, Worker: l.worker, Address: socket.BoundAddress(), Holder: strings.Join(names, ", ")})
	}
}

// cleared says that the detached processes are gone and the reload may begin.
type cleared struct{ command *Command }

// lookForDetached names in a Completed event the detached processes that its worker
// has left.
func (s *Starter) lookForDetached(e *Event) {
	if !s.options.KillDescendants || e.Kind != Completed {
		return
	}
	var names []string
	for _, pid := range proc.Detached(s.options.EnvMarker, e.Worker.Generation, e.Worker.PID) {
		names = append(names, proc.Name(pid))
	}
	if e.Holder = strings.Join(names, ", "); e.Holder != "" {
		s.detacher = e.Worker
	}
}

// reloading returns the event of a reload. If there are detached processes, it
// ends them first and returns nil; the event follows when they are gone.
func (s *Starter) reloading(c *Command) any {
	w := s.detacher
	if w.PID == 0 {
		return reload{c}
	}
	s.detacher, s.clearing = Worker{}, true
	grace := s.machine.stopTimeout
	if grace == 0 {
		grace = unprovenGrace
	}
	go func() {
		proc.EndDetached(s.options.EnvMarker, w.Generation, w.PID, grace, s.ended)
		s.post(cleared{c})
	}()
	return nil
}
