package starter

import (
	"fmt"
	"slices"
	"syscall"
	"time"
)

// Overlap says whether an old worker and a new one may run at the same time.
type Overlap string

const (
	// OverlapOn starts the new worker while the old one serves.
	OverlapOn Overlap = "on"
	// OverlapOff stops the old worker before the new one is started, for programs
	// that can run only once. Connections to kept sockets wait in between. If the
	// new worker fails, the previous command is started again.
	OverlapOff Overlap = "off"
	// OverlapAuto is OverlapOn until a new worker fails or hangs because of a
	// resource that the old one holds, and OverlapOff from then on.
	OverlapAuto Overlap = "auto"
)

// ParseOverlap parses an Overlap.
func ParseOverlap(s string) (Overlap, error) {
	switch o := Overlap(s); o {
	case OverlapOn, OverlapOff, OverlapAuto:
		return o, nil
	}
	return "", fmt.Errorf("%q is invalid; want auto, on or off", s)
}

// Events about what a starting worker needs.
type (
	contended struct { // the worker waits for what, a lock of an older worker
		generation int
		what       string
	}
	lacking struct { // the worker seems to need what, which an older worker holds; "": nothing
		generation int
		what       string
	}
)

func (e contended) worker() int { return e.generation }
func (e lacking) worker() int   { return e.generation }

const (
	pryInterval = time.Second
	// hangsAfter is the time after which a start seems to hang.
	hangsAfter = 5 * time.Second
)

// pry looks from time to time what a starting worker waits for, if an older worker
// may hold that.
func (m *machine) pry(now time.Time, w *worker) {
	if w.state != starting || w.pryAt.IsZero() || w.pryAt.After(now) {
		return
	}
	w.pryAt = now.Add(pryInterval)
	if m.mayContend(w) && m.provenAt(w).IsZero() {
		m.do(pry{w.Generation, now.Sub(w.born) >= hangsAfter})
	}
}

// contends stops a starting worker that can't continue because an older worker
// holds what.
func (m *machine) contends(now time.Time, w *worker, what string) {
	if m.mayContend(w) {
		m.foundContention(now, w, what)
		w.stopSignal = syscall.SIGTERM
		m.sendStop(now, w)
	}
}

// oneAtATime reports whether a worker may start only when no other runs.
func (m *machine) oneAtATime() bool { return m.overlap == OverlapOff || m.contention }

// foundContention handles that an older worker holds what w needs. w has failed or
// will be stopped. Its command is started again when no other worker runs.
func (m *machine) foundContention(now time.Time, w *worker, what string) {
	m.contention = true
	m.report(Event{Kind: Contended, Worker: w.Worker, Resource: what})
	m.do(forget{w.Generation})
	if m.pending == nil {
		m.pending = w.Command
	}
	m.startAt = now
}

// mayContend reports whether an older worker may keep w from serving.
func (m *machine) mayContend(w *worker) bool {
	return m.overlap == OverlapAuto && !m.contention && !m.stopping && w.state == starting && len(m.workers) > 1
}

// makeRoom retires every worker if only one may run. It reports whether the next
// may start.
func (m *machine) makeRoom(now time.Time) bool {
	if !m.oneAtATime() {
		return true
	}
	for _, w := range m.workers {
		if w.state == serving || w.state == retiring {
			m.report(Event{Kind: Retiring, Worker: w.Worker, Signal: m.retireSignal})
			m.retire(now, w, m.retireSignal, 0)
		}
	}
	m.evictExcess(now)
	return len(m.workers) == 0
}

// isBlocked reports whether a start waits for workers that have been told to stop.
func (m *machine) isBlocked() bool {
	if m.oneAtATime() {
		return len(m.workers) > 0 && m.in(serving) == nil && m.in(retiring) == nil
	}
	return slices.ContainsFunc(m.workers, (*worker).occupies)
}

// occupies reports whether w, whose start was cancelled, may hold addresses that
// are not kept and that the next worker is about to bind.
func (w *worker) occupies() bool {
	return !w.served && w.state >= leaving && len(w.offered) == 0 && !w.announcesItself()
}

// fallback returns the command to start instead of a failed command, or nil.
func (m *machine) fallback(failed *Command) *Command {
	if m.in(serving) != nil || m.ended {
		return nil
	}
	for _, c := range []*Command{m.last, m.knownGood} {
		if c != nil && c != failed {
			return c
		}
	}
	return nil
}
