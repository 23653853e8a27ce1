package starter

import (
	"fmt"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/proc"
)

// A worker may leave processes running when it exits. A wrapper such as
// `sh -c 'app; true'` exits at its signal, and the program that it has started
// keeps serving: that program holds the sockets and accepts its share of the
// connections. A program that daemonizes, as daemon(3) does, exits with
// status 0 and leaves a process in a session of its own, which serves old code
// until it is stopped.

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
		select {
		case <-time.After(leftoverGrace):
		case <-s.ended:
			return
		}
		found := proc.Leftovers(w.Generation, w.PID, inodes)
		s.post(func() []machine.Event {
			delete(s.unlooked, w.Generation)
			s.reportLeftovers(w, found)
			return nil
		})
	}()
}

// lastLook searches for leftovers of the last workers before the kept sockets
// are closed, and waits up to leftoverGrace for them to exit.
func (s *Starter) lastLook() {
	inodes := s.kept.Inodes()
	end := time.Now().Add(leftoverGrace)
	for _, w := range s.unlooked {
		found := proc.Leftovers(w.Generation, w.PID, inodes)
		for len(found) > 0 && time.Now().Before(end) {
			time.Sleep(leftoverGrace / 20)
			found = proc.Leftovers(w.Generation, w.PID, inodes)
		}
		s.reportLeftovers(w, found)
	}
}

// reportLeftovers reports one event for the leftovers of a worker.
func (s *Starter) reportLeftovers(w Worker, found []proc.Leftover) {
	const most = 3 // processes to name
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
		s.options.Report(Event{Kind: LeftoverProcess, Worker: w, Address: socket.BoundAddress(), Holder: strings.Join(names, ", ")})
	}
}

// findDetached names in a Completed event the detached processes that its worker
// has left.
func (s *Starter) findDetached(e *Event) []machine.Event {
	if !s.options.KillDescendants {
		return nil
	}
	var names []string
	for _, pid := range proc.Detached(s.options.EnvMarker, e.Worker.Generation, e.Worker.PID) {
		names = append(names, proc.Name(pid))
	}
	if len(names) == 0 {
		return nil
	}
	e.Holder = strings.Join(names, ", ")
	return []machine.Event{machine.Detached{Left: machine.Worker{Generation: e.Worker.Generation, PID: e.Worker.PID}}}
}
