package machine

import (
	"syscall"
	"time"
)

// This file decides how workers stop.

// retire stops w: after the delay it drains, then gets the signal, then SIGKILL.
func (m *Machine) retire(now time.Time, w *worker, sig syscall.Signal, delay time.Duration) {
	w.stopSignal = sig
	switch {
	case delay > 0:
		w.state, w.due = retiring, now.Add(delay)
	case !w.helloAt.IsZero() && m.DrainTimeout > 0:
		w.state, w.due = draining, now.Add(m.DrainTimeout)
		w.limit = after(now, m.StopTimeout)
		m.do(Drain{w.Generation})
	default:
		m.sendStop(now, w)
	}
}

// sendStop sends w its stop signal.
func (m *Machine) sendStop(now time.Time, w *worker) {
	grace := m.StopTimeout
	if w.state == starting {
		grace = m.boundedGrace()
	}
	w.state, w.due = leaving, after(now, grace)
	if !w.limit.IsZero() {
		w.due = w.limit
	}
	m.do(Signal{w.Generation, w.stopSignal})
}

// boundedGrace returns StopTimeout, or a limit if that is unlimited.
func (m *Machine) boundedGrace() time.Duration {
	if m.StopTimeout == 0 {
		return unprovenGrace
	}
	return m.StopTimeout
}

func (m *Machine) kill(w *worker) {
	if w.state == killed {
		return
	}
	w.state, w.due = killed, time.Time{}
	m.do(Signal{w.Generation, syscall.SIGKILL})
}

// stop stops every worker; a second stop kills every worker. A worker that has got
// the same signal does not get it twice.
func (m *Machine) stop(now time.Time, sig syscall.Signal) {
	if m.stopping {
		for _, w := range m.workers {
			m.kill(w)
		}
		return
	}
	m.stopping, m.pending = true, nil
	m.do(Report{Kind: Stopping, Signal: sig, Others: m.All()})
	for _, w := range m.workers {
		switch w.state {
		case starting:
			w.stopSignal = sig
			m.sendStop(now, w)
		case serving, retiring:
			m.retire(now, w, sig, 0)
		case draining:
			w.stopSignal = sig
		case leaving:
			if w.stopSignal != sig {
				w.stopSignal = sig
				m.sendStop(now, w)
			}
		}
	}
}
