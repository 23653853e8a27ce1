package machine

import (
	"slices"
	"syscall"
	"time"
)

// This file decides how workers stop, and what follows when they exit.

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

// expire handles the timeout of the state of w.
func (m *Machine) expire(now time.Time, w *worker) {
	switch w.state {
	case starting:
		// A worker that lives is not stopped because it is not visible or silent.
		if at := m.provenAt(w); !at.IsZero() || m.Ready.looks() && !w.dead && (w.unreadable != nil || !w.waitsSince.IsZero()) {
			m.promote(now, w)
			return
		}
		m.failed(now, w, Report{Kind: TimedOut, Elapsed: now.Sub(w.began)})
		w.stopSignal = syscall.SIGTERM
		m.sendStop(now, w)
	case retiring:
		m.report(Report{Kind: Retiring, Worker: w.Worker, Signal: w.stopSignal})
		m.retire(now, w, w.stopSignal, 0)
	case draining:
		m.report(Report{Kind: DrainTimedOut, Worker: w.Worker, Signal: w.stopSignal})
		m.sendStop(now, w)
	case serving:
		m.settle(w)
	case leaving:
		m.report(Report{Kind: Killing, Worker: w.Worker})
		m.kill(w)
	}
}

func (m *Machine) kill(w *worker) {
	if w.state == killed {
		return
	}
	w.state, w.due = killed, time.Time{}
	m.do(Signal{w.Generation, syscall.SIGKILL})
}

// exited handles the exit of w in any state.
func (m *Machine) exited(now time.Time, w *worker, e exited) {
	m.workers = slices.DeleteFunc(m.workers, func(x *worker) bool { return x == w })
	if w.state <= serving {
		defer func() { m.startAt = later(m.startAt, now.Add(m.RestartDelay)) }()
	}
	ended := Report{Worker: w.Worker, Status: e.status, Err: e.err}
	switch {
	case m.mayEnd(w, e):
		ended.Kind = Completed
		m.knownGood, m.ended, m.failures = w.Command, true, 0
		m.report(ended)
	case w.state == starting && e.lacks != "" && m.Overlap == UntilContention && !m.contention && !m.stopping:
		m.foundContention(now, w, e.lacks)
	case w.state == starting:
		ended.Kind, ended.Elapsed = Failed, now.Sub(w.began)
		m.failed(now, w, ended)
	case w.state == serving && m.rollBack(now, w, ended):
	case w.state == serving:
		m.last = nil
		ended.Kind, ended.Restarting = Crashed, m.replace(now, w)
		m.report(ended)
		if !ended.Restarting && !m.stopping {
			m.report(Report{Kind: GaveUp, Worker: w.Worker, Failures: m.crashCount})
			m.gaveUp = !m.KeepRunning
		}
	default:
		ended.Kind = Exited
		m.report(ended)
	}
}

// mayEnd reports whether w has exited because its work is done. That is not so if
// another worker serves or is about to.
func (m *Machine) mayEnd(w *worker, e exited) bool {
	return m.AllowExit && e.err == nil && e.status == 0 && w.state <= serving && !m.stopping &&
		m.pending == nil && m.in(starting) == nil && m.in(serving) == nil
}

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
	m.report(ended)
	m.do(Forget{w.Generation})
	return true
}

// replace requests a successor for w, which has served and crashed, and reports
// whether there will be one. A start that is running or due is a successor.
func (m *Machine) replace(now time.Time, w *worker) bool {
	m.crashCount++
	if now.Sub(w.began) >= stableAfter {
		m.crashCount = 1
	}
	switch {
	case m.in(starting) != nil:
		return true
	case m.MaxCrashes > 0 && m.crashCount >= m.MaxCrashes && m.pending == nil:
		return false
	}
	at := w.began.Add(m.wait())
	switch {
	case m.pending == nil:
		m.pending, m.startAt = w.Command, at
	case at.Before(m.startAt):
		m.startAt = at
	}
	return true
}

// failed handles a failed start. It is repeated or given up, unless a reload is
// pending.
func (m *Machine) failed(now time.Time, w *worker, e Report) {
	m.failures++
	m.crashCount++
	e.Worker = w.Worker
	back := m.fallback(w.Command)
	over := m.failureLimit() > 0 && m.failures >= m.failureLimit() || m.oneAtATime() && back != nil
	if over && m.pending == nil && !m.stopping {
		e.Rollback = back
	}
	m.report(e)
	m.do(Forget{w.Generation})
	switch {
	case m.stopping:
	case m.pending != nil && m.pending != w.Command:
		m.failures, m.startAt = 0, now
	case m.pending != nil:
		m.failures, m.startAt = 0, w.began.Add(m.wait())
	case over:
		m.giveUp(now, w, back)
	default:
		m.pending, m.startAt = w.Command, w.began.Add(m.wait())
	}
}

// failureLimit returns the number of failed starts in a row before giving up; 0:
// unlimited.
func (m *Machine) failureLimit() int {
	if m.knownGood == nil && m.MaxFirst > 0 {
		return m.MaxFirst
	}
	return m.MaxFailures
}

// giveUp ends the attempts to start the command of w. The serving worker keeps
// serving. If there is none, back is started.
func (m *Machine) giveUp(now time.Time, w *worker, back Command) {
	m.pending = nil
	m.report(Report{Kind: GaveUp, Worker: w.Worker, Failures: m.failures})
	m.failures, m.lastPromotion = 0, now
	switch {
	case m.in(serving) != nil:
	case back != nil:
		if back == m.last {
			m.last = nil // only once
		}
		m.pending, m.startAt = back, now
	default:
		m.gaveUp = !m.KeepRunning
	}
}

// wait returns the minimum time between two unrequested starts.
func (m *Machine) wait() time.Duration {
	wait := m.Interval
	if m.crashCount > freeRetries {
		wait = max(wait, 100*time.Millisecond)
		for range m.crashCount - freeRetries {
			wait = min(2*wait, max(maxWait, m.Interval))
		}
	}
	return wait
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
	m.report(Report{Kind: Stopping, Signal: sig, Others: m.All()})
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
