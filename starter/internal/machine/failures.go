package machine

import (
	"slices"
	"time"
)

// This file decides what follows when a worker exits or fails to start: another
// attempt, the return to an older command, or the end of the attempts. A worker
// that serves keeps serving while a new one fails.

// exited handles the exit of w in any state.
func (m *Machine) exited(now time.Time, w *worker, e HasExited) {
	m.workers = slices.DeleteFunc(m.workers, func(x *worker) bool { return x == w })
	if w.state <= serving {
		defer func() { m.startAt = later(m.startAt, now.Add(m.RestartDelay)) }()
	}
	ended := Report{Worker: w.Worker, Status: e.Status, Err: e.Err}
	switch {
	case m.mayEnd(w, e):
		ended.Kind = Completed
		m.knownGood, m.ended, m.failures = w.Command, true, 0
		m.do(ended)
	case w.state == starting && e.Lacks != "" && m.Overlap == UntilContention && !m.contention && !m.stopping:
		m.foundContention(now, w, e.Lacks)
	case w.state == starting:
		ended.Kind, ended.Elapsed = Failed, now.Sub(w.began)
		m.failed(now, w, ended)
	case w.state == serving && m.rollBack(now, w, ended):
	case w.state == serving:
		m.last = nil
		ended.Kind, ended.Restarting = Crashed, m.replace(now, w)
		m.do(ended)
		if !ended.Restarting && !m.stopping {
			m.do(Report{Kind: GaveUp, Worker: w.Worker, Failures: m.crashCount})
			m.gaveUp = !m.KeepRunning
		}
	default:
		ended.Kind = Exited
		m.do(ended)
	}
}

// mayEnd reports whether w has exited because its work is done. That is not so if
// another worker serves or is about to.
func (m *Machine) mayEnd(w *worker, e HasExited) bool {
	return m.AllowExit && e.Err == nil && e.Status == 0 && w.state <= serving && !m.stopping &&
		m.pending == nil && m.in(starting) == nil && m.in(serving) == nil
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
	back := m.commandToReturnTo(w.Command)
	over := m.failureLimit() > 0 && m.failures >= m.failureLimit() || m.oneAtATime() && back != nil
	if over && m.pending == nil && !m.stopping {
		e.Rollback = back
	}
	m.do(e)
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
	m.do(Report{Kind: GaveUp, Worker: w.Worker, Failures: m.failures})
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
