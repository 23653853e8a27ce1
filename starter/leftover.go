package starter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A worker that is a wrapper, such as `sh -c 'app; true'`, ends at its signal,
// and the program that it has started keeps serving: it holds the sockets and
// takes its share of the connections.

// leftover is a process that holds a socket and was started by a worker that
// has ended.
type leftover struct {
	worker  Worker
	process string // "pid 4711 (python3 -m http.server)"
	inode   uint64
}

// looked is what a look for leftovers of a worker has found.
type looked struct {
	worker Worker
	found  []leftover
}

// A process that ends together with its worker gets this long for it.
const leftoverGrace = time.Second

// lookForLeftovers reports to the loop what a worker has left, after the
// grace. Where everything that a worker has started is ended, it does nothing.
func (s *Starter) lookForLeftovers(w Worker) {
	inodes := s.ledger.inodes()
	if len(inodes) == 0 || s.options.Leash && !s.options.KillGroup {
		return
	}
	s.unlooked[w.Generation] = w
	go func() {
		if sleep(s.ended, leftoverGrace) {
			s.tell(looked{w, leftoversOf([]Worker{w}, inodes)})
		}
	}()
}

// lastLook looks for what the last workers have left. Their sockets are about
// to be closed here, but not there.
func (s *Starter) lastLook() {
	workers, inodes := slices.Collect(maps.Values(s.unlooked)), s.ledger.inodes()
	if len(workers) == 0 {
		return
	}
	found := leftoversOf(workers, inodes)
	for end := time.Now().Add(leftoverGrace); len(found) > 0 && time.Now().Before(end); {
		time.Sleep(leftoverGrace / 20)
		found = leftoversOf(workers, inodes)
	}
	s.reportLeftovers(found)
}

// reportLeftovers reports one event for each worker.
func (s *Starter) reportLeftovers(found []leftover) {
	const most = 3 // to be named
	for len(found) > 0 {
		first := found[0]
		var names []string
		found = slices.DeleteFunc(found, func(l leftover) bool {
			if l.worker.Generation == first.worker.Generation {
				names = append(names, l.process)
			}
			return l.worker.Generation == first.worker.Generation
		})
		if more := len(names) - most; more > 0 {
			names = append(names[:most], fmt.Sprintf("%d more", more))
		}
		if socket := s.ledger.find(first.inode); socket != nil {
			s.options.Report(Event{Kind: LeftBehind, Worker: first.worker, Address: socket.listens(), Holder: strings.Join(names, ", ")})
		}
	}
}
