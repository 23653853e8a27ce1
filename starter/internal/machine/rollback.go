package machine

import "time"

// This file decides which older worker or command replaces a new one that failed.

// rollBack undoes the reload to w, which has crashed early, and reports whether it
// did. The previous worker serves again or, if it has been told to stop, knownGood
// is started. If w runs knownGood, it is only restarted: otherwise two commands
// could alternate.
func (m *Machine) rollBack(now time.Time, w *worker, ended Report) bool {
	ended.Kind, ended.Elapsed = RolledBack, now.Sub(w.since)
	old := m.in(retiring)
	switch {
	case m.stopping:
		return false
	case old != nil:
		old.state, old.due, old.stopSignal = serving, time.Time{}, 0
		if !old.final {
			old.due = old.since.Add(max(m.Linger, m.KillOldDelay))
		}
		ended.Others, m.lastPromotion = []Worker{old.Worker}, now
	case ended.Elapsed >= m.Rollback, m.knownGood == w.Command, m.pending != nil, m.in(starting) != nil:
		return false
	default:
		m.pending, m.startAt, ended.Rollback = m.knownGood, now, m.knownGood
	}
	m.last = nil
	m.do(ended)
	m.do(Forget{w.Generation})
	return true
}

// commandToReturnTo returns the command to start instead of a failed command, or nil.
func (m *Machine) commandToReturnTo(failed Command) Command {
	if m.in(serving) != nil || m.ended {
		return nil
	}
	for _, c := range []Command{m.last, m.knownGood} {
		if c != nil && c != failed {
			return c
		}
	}
	return nil
}
