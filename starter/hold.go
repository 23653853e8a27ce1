package starter

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
)

// hold is which workers let their clients wait, and for how long at most.
type hold struct {
	limit   time.Duration
	workers []Worker
}

// Hold lets the clients of these workers wait for a newer worker, each for at
// most limit, because the code of these workers is known to be old. No other
// worker lets its clients wait any more. It does not wait. Clients also stop to
// wait when their worker is retired: the next one answers them.
//
// Only new connections wait, and navigations of a browser, and only in an
// instrumented program. A worker that has begun with that is reported as Holding.
func (s *Starter) Hold(limit time.Duration, workers ...Worker) {
	replace(s.holds, hold{limit, workers})
}

// hold tells workers to let clients wait, or to stop that. A worker that retires
// has stopped by itself.
func (s *Starter) hold(h hold) (events []machine.Event) {
	held := map[int]bool{}
	for _, w := range h.workers {
		if held[w.Generation] = true; !s.held[w.Generation] {
			events = append(events, s.tell(w.Generation, fmt.Sprint("hold ", max(h.limit.Milliseconds(), 1)))...)
		}
	}
	for _, generation := range slices.Sorted(maps.Keys(s.held)) {
		if !held[generation] {
			events = append(events, s.tell(generation, "release")...)
		}
	}
	s.held = held
	return events
}

// tell sends a line to a worker that serves or may come to serve. It may not have
// said hello yet: then it reads the line before it accepts.
func (s *Starter) tell(generation int, line string) []machine.Event {
	if w := s.workers[generation]; w == nil || w.broker == nil || !s.machine.MayServe(generation) {
		return nil
	}
	return s.send(generation, line, -1)
}
