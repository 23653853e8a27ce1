package machine

import (
	"slices"
	"syscall"
	"time"
)

const (
	pryInterval = time.Second
	// hangsAfter is the time after which a start seems to hang.
	hangsAfter = 5 * time.Second
)

// pry looks from time to time what a starting worker waits for, if an older worker
// may hold that.
func (m *Machine) pry(now time.Time, w *worker) {
	if w.state != starting || w.pryAt.IsZero() || w.pryAt.After(now) {
		return
	}
	w.pryAt = now.Add(pryInterval)
	if m.mayContend(w) && m.provenAt(w).IsZero() {
		m.do(Pry{w.Generation, now.Sub(w.born) >= hangsAfter})
	}
}

// contends stops a starting worker that can't continue because an older worker
// holds what.
func (m *Machine) contends(now time.Time, w *worker, what string) {
	if m.mayContend(w) {
		m.foundContention(now, w, what)
		w.stopSignal = syscall.SIGTERM
		m.sendStop(now, w)
	}
}

// oneAtATime reports whether a worker may start only when no other runs.
func (m *Machine) oneAtATime() bool { return m.Overlap == OneAtATime || m.contention }

// foundContention handles that an older worker holds what w needs. w has failed or
// will be stopped. Its command is started again when no other worker runs.
func (m *Machine) foundContention(now time.Time, w *worker, what string) {
	m.contention = true
	m.do(Report{Kind: Contended, Worker: w.Worker, Resource: what})
	m.do(Forget{w.Generation})
	if m.pending == nil {
		m.pending = w.Command
	}
	m.startAt = now
}

// mayContend reports whether an older worker may keep w from serving.
func (m *Machine) mayContend(w *worker) bool {
	return m.Overlap == UntilContention && !m.contention && !m.stopping && w.state == starting && len(m.workers) > 1
}

// makeRoom retires every worker if only one may run. It reports whether the next
// may start.
func (m *Machine) makeRoom(now time.Time) bool {
	if !m.oneAtATime() {
		return true
	}
	for _, w := range m.workers {
		if w.state == serving || w.state == retiring {
			m.do(Report{Kind: Retiring, Worker: w.Worker, Signal: m.RetireSignal})
			m.retire(now, w, m.RetireSignal, 0)
		}
	}
	m.evictExcess(now)
	return len(m.workers) == 0
}

// isBlocked reports whether a start waits for workers that have been told to stop.
func (m *Machine) isBlocked() bool {
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
