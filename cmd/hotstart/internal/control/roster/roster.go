// Package roster follows the workers of a starter by its events: which one serves,
// which one starts, which ones drain, and how many there have been. It knows no clock,
// process or file.
package roster

import (
	"slices"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/starter"
)

// Roster is the list of workers. The zero Roster has none.
type Roster struct {
	Serving  *control.Worker // nil: none
	Starting *control.Worker // nil: none
	Draining []control.Worker

	// Counters of workers; those of builds and connections stay zero.
	Counters control.Counters
}

// Handle follows an event of the starter.
func (r *Roster) Handle(now time.Time, e starter.Event) {
	switch e.Kind {
	case starter.Starting:
		r.Counters.Starts++
		r.Starting = &control.Worker{Generation: e.Worker.Generation, PID: e.Worker.PID, Since: now}
	case starter.Serving:
		r.serves(now, e)
	case starter.Superseded, starter.Retiring:
		r.drain(now, e.Worker)
	case starter.TimedOut:
		r.Counters.StartsFailed++
		r.drain(now, e.Worker)
	case starter.Failed:
		r.Counters.StartsFailed++
		r.remove(e.Worker)
	case starter.Crashed, starter.RolledBack:
		r.Counters.Crashes++
		r.remove(e.Worker)
		if e.Kind == starter.RolledBack && len(e.Others) > 0 {
			r.returns(now, e.Others[0])
		}
	case starter.Completed, starter.Exited, starter.Contended:
		r.remove(e.Worker)
	case starter.Stopping:
		for _, w := range e.Others {
			r.drain(now, w)
		}
	}
}

// Drained reports whether no worker is left that is older than a generation.
func (r *Roster) Drained(generation int) bool {
	return !slices.ContainsFunc(r.Draining, func(w control.Worker) bool { return w.Generation < generation })
}

// serves notes a worker that has taken over.
func (r *Roster) serves(now time.Time, e starter.Event) {
	if r.Serving != nil || len(e.Others) > 0 {
		r.Counters.Reloads++
	}
	for _, w := range e.Others {
		r.drain(now, w)
	}
	r.remove(e.Worker)
	r.Serving = &control.Worker{
		Generation: e.Worker.Generation, PID: e.Worker.PID, Since: now, ReadyMS: float64(e.Elapsed.Microseconds()) / 1000,
	}
}

// returns notes an older worker that serves again.
func (r *Roster) returns(now time.Time, w starter.Worker) {
	r.remove(w)
	r.Serving = &control.Worker{Generation: w.Generation, PID: w.PID, Since: now}
}

// drain notes a worker that finishes. Its time stays if it does so already.
func (r *Roster) drain(now time.Time, w starter.Worker) {
	if slices.ContainsFunc(r.Draining, is(w)) {
		return
	}
	r.remove(w)
	r.Draining = append(r.Draining, control.Worker{Generation: w.Generation, PID: w.PID, Since: now})
}

// remove removes a worker wherever it is.
func (r *Roster) remove(w starter.Worker) {
	if r.Serving != nil && is(w)(*r.Serving) {
		r.Serving = nil
	}
	if r.Starting != nil && is(w)(*r.Starting) {
		r.Starting = nil
	}
	r.Draining = slices.DeleteFunc(slices.Clone(r.Draining), is(w))
}

func is(w starter.Worker) func(control.Worker) bool {
	return func(other control.Worker) bool { return other.Generation == w.Generation }
}
