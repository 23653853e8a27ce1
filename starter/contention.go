package starter

import (
	"time"

	"github.com/hotstart/hotstart/starter/internal/contend"
)

// How the loop finds out that a new worker lacks what an older one holds.

// pry has the loop look what a worker that starts waits for.
type pry struct{ generation int }

const (
	pryEvery = time.Second
	// A start takes so long only if something is wrong, or has much to do.
	hangsAfter = 5 * time.Second
)

// observe notes what older workers hold, before a new one is started, if that
// can be of interest.
func (s *Starter) observe() *contend.Observer {
	var older []int
	for _, w := range s.workers {
		older = append(older, w.PID())
	}
	if s.options.Overlap != OverlapAuto || s.machine.contention || len(older) == 0 {
		return nil
	}
	return contend.Observe(older)
}

// pryInto asks again and again while a worker starts.
func (s *Starter) pryInto(w *running, generation int) {
	for sleep(w.probeCtx.Done(), pryEvery) {
		if !s.post(pry{generation}) {
			return
		}
	}
}

// pry finds out whether a worker that starts hangs, since an older one holds
// what it needs. It waits for a lock; or after some time, two looks show the
// same, since a lock may be held for a moment only.
func (s *Starter) pry(generation int) any {
	w, started := s.workers[generation], s.machine.find(generation)
	if w == nil || w.contention == nil || !s.machine.mayContend(started) || !s.machine.provenAt(started).IsZero() {
		return nil
	}
	what := w.contention.WaitsFor(w.PID())
	if what == "" && time.Since(started.born) >= hangsAfter {
		now := s.lacks(w, started.Command)
		if now == w.suspect {
			what = now
		}
		w.suspect = now
	}
	if what == "" {
		return nil
	}
	return contended{generation, what}
}

// lacks returns what an older worker holds that w needs, or "".
func (s *Starter) lacks(w *running, c *Command) string {
	words := ""
	if c.LastOutput != nil {
		words = c.LastOutput()
	}
	return w.contention.Needs(w.PID(), words, s.kept.Streams())
}
