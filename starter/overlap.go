package starter

import (
	"fmt"
	"slices"
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

// contended says that a worker that starts can't go on, since an older one
// holds what.
type contended struct {
	generation int
	what       string
}

// oneAtATime reports whether no worker may be started while another lives.
func (m *machine) oneAtATime() bool { return m.overlap == OverlapOff || m.contention }

// foundContention handles that an older worker holds what w needs, which has failed
// because of that or is to be ended: w is started again once nobody else runs.
func (m *machine) foundContention(now time.Time, w *worker, what string) {
	m.contention = true
	m.report(Event{Kind: Contended, Worker: w.Worker, Resource: what})
	m.do(forget{w.Generation})
	if m.pending == nil {
		m.pending = w.Command
	}
	m.startAt = now
}

// mayContend reports whether an older worker can be what keeps w from serving.
func (m *machine) mayContend(w *worker) bool {
	return m.overlap == OverlapAuto && !m.contention && !m.stopping && w.state == starting && len(m.workers) > 1
}

// makeRoom ends whoever runs, where only one may. It reports whether nobody does.
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

// blocked reports whether a start waits for workers that have been told to end.
func (m *machine) isBlocked() bool {
	if m.oneAtATime() {
		return len(m.workers) > 0 && m.in(serving) == nil && m.in(retiring) == nil
	}
	return slices.ContainsFunc(m.workers, (*worker).occupies)
}

// occupies reports whether w, whose start has been ended, may hold addresses
// that the next worker is about to bind: they are not kept.
func (w *worker) occupies() bool {
	return !w.served && w.state >= leaving && len(w.offered) == 0 && !w.announcesItself()
}

// fallback is what is started instead of a command that is given up, or nil.
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
