package machine

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/churn"
)

// timer is a reason to act at a point in time.
type timer int

const (
	ruleSettled timer = iota // the watcher has reported the files that a rule wrote
	ruleStale                // a rule whose input changed again is cancelled
	ruleSlow                 // the user wonders about a rule that runs
	startSlow                // the user wonders about a worker that is not ready
	idle                     // the machine has time for a check
	trialOver                // changes by the last start were reported
	timerCount
)

const (
	// eventGrace is the maximum time from a rule's write of a file until the
	// watcher reports the file: the next rule and the build depend on it.
	eventGrace = 20 * time.Millisecond
	// A rule is shown in the status line after slowRule, as builds are.
	slowRule = time.Second
	// slowStart is the time after which the user reads why nothing seems to
	// happen.
	slowStart = 3 * time.Second
	// idleBeforeCheck is the time without a build before a check starts.
	idleBeforeCheck = time.Second
	// trialTime is twice startSlack because the watcher may be late, too.
	trialTime = 2 * churn.StartSlack
)

func (m *Machine) setTimer(t timer, after time.Duration) { m.due[t] = m.now.Add(after) }

func (m *Machine) clearTimer(t timer) { m.due[t] = time.Time{} }

// Next returns when to send a tick at the latest, or zero for never.
func (m *Machine) Next() (at time.Time) {
	if m.stop.requested {
		return at
	}
	for _, due := range m.due {
		if !due.IsZero() && (at.IsZero() || due.Before(at)) {
			at = due
		}
	}
	return at
}

func (m *Machine) expire() {
	for t := range m.due { // one may clear another
		if at := m.due[t]; at.IsZero() || at.After(m.now) {
			continue
		}
		m.clearTimer(timer(t))
		switch timer(t) {
		case ruleSettled:
			m.finishRule()
		case ruleStale:
			m.cancelRule()
		case ruleSlow:
			m.showProgress(report.RuleRunning{Rule: m.rules.Running().Title()})
		case startSlow:
			m.explainSlowStart()
		case idle:
			m.build.following = true
			m.do(StartCheck{m.build.unchecked})
		case trialOver:
			if m.rollout.starting.PID == 0 && m.churn.TrialEnded(m.now) {
				m.do(Inspect{m.churn.OnTrial()})
			}
		}
	}
}
