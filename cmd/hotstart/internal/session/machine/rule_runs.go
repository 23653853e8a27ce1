package machine

import (
	"context"
	"errors"
	"slices"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
)

// ruleRuns is the progress of the rules.
type ruleRuns struct {
	cancelled  bool             // the current run is
	ended      RuleDone         // result of the current run, until ruleSettled
	unreported []report.RuleRun // successful runs that the next event with a cause names
}

// advanceRules starts the next rule that is due, if none runs, and plans the
// end of a run whose input has changed again.
func (m *Machine) advanceRules() {
	if titles := m.rules.Cycle(); titles != nil {
		m.ruleRuns.unreported = nil
		m.tell(report.RuleLoop{Rules: titles})
	}
	if !m.ruleRuns.cancelled && m.due[ruleSettled].IsZero() {
		m.due[ruleStale] = m.rules.CancelAt()
	}
	rule := m.rules.Next(m.now)
	if rule == nil {
		return
	}
	m.ruleRuns.cancelled = false
	m.setTimer(ruleSlow, slowRule)
	m.do(RunRule{rule})
}

func (m *Machine) cancelRule() {
	m.clearTimer(ruleStale)
	if m.rules.Running() != nil && !m.ruleRuns.cancelled {
		m.ruleRuns.cancelled = true
		m.do(CancelRule{})
	}
}

// ruleEnded takes the result of a run. It counts when the watcher has had the
// time to report the files that the run wrote.
func (m *Machine) ruleEnded(e RuleDone) {
	m.clearTimer(ruleStale)
	m.clearTimer(ruleSlow)
	m.endProgress()
	m.ruleRuns.ended = e
	m.setTimer(ruleSettled, eventGrace)
	if errors.Is(e.Err, context.Canceled) {
		m.setTimer(ruleSettled, 0)
	}
}

func (m *Machine) finishRule() {
	rule, e := m.rules.Running(), m.ruleRuns.ended
	for path, at := range e.Modified {
		m.rules.Modified(path, at)
	}
	switch {
	case errors.Is(e.Err, context.Canceled):
		m.rules.End(e.At, rules.Cancelled)
	case e.Err != nil:
		m.rules.End(e.At, rules.Failed)
		m.rollout.outdated = true
		m.setFailure(report.RuleFailed{
			Rule: rule.Title(), Command: rule.Run, Cause: m.cause(rule.Inputs()), Err: e.Err, Output: e.Output, Current: m.current(),
		}, m.now)
	default:
		m.rules.End(e.At, rules.Succeeded)
		run := report.RuleRun{Rule: rule.Title(), Files: rule.Inputs(), Took: rule.Ended.Sub(rule.Began)}
		m.tell(report.RuleDone{RuleRun: run, Command: rule.Run})
		m.ruleRuns.unreported = append(m.ruleRuns.unreported, run)
	}
	m.advance()
}

// cause returns the cause of an event: the files that changed, and the runs of
// rules since the last event with a cause.
func (m *Machine) cause(files []string) report.Cause {
	runs := m.ruleRuns.unreported
	m.ruleRuns.unreported = nil
	return report.Cause{Changed: files, Rules: runs}
}

// clearFailureByRules notes that a rule that had failed has succeeded. It
// reports whether the newest code runs now.
func (m *Machine) clearFailureByRules() bool {
	f := m.status.rule
	hadFailed := func(run report.RuleRun) bool { return f.event.(report.RuleFailed).Rule == run.Rule }
	if f == nil || m.rules.Failed() || !slices.ContainsFunc(m.ruleRuns.unreported, hadFailed) {
		return false
	}
	m.status.rule = nil
	return m.status.code == nil
}
