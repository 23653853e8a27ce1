package machine

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
)

// statusState is whether the newest code is served, and how that is shown.
type statusState struct {
	failure  *failure // why it is not; nil: it is
	shown    report.StatusChanged
	progress bool     // the status line shows progress
	stale    bool     // the status line has to be shown again
	fallback *failure // failure on the page that answers connections; nil: they wait
}

// failure is the reason why newer code than that of the current worker does
// not run.
type failure struct {
	event  report.Failure
	status report.Status
	began  time.Time // build of the code that fails; a worker with older code does not fix it
	hidden *failure  // failure before that of a rule; it remains when the rule succeeds
}

// setFailure reports that the code of a build that began then does not run.
func (m *Machine) setFailure(f report.Failure, began time.Time) {
	m.tell(f)
	headline, _ := f.Failure()
	if headline == "" {
		return
	}
	next := &failure{event: f, began: began}
	if before := m.status.failure; before != nil {
		next.status = before.status
		if _, ok := f.(report.RuleFailed); ok {
			next.hidden = before.withoutRules()
		}
	}
	next.status = next.status.Failed(f, m.now)
	m.status.failure = next
}

// withoutRules returns the failure, or the hidden one if it is that of a rule.
func (f *failure) withoutRules() *failure {
	if _, ok := f.event.(report.RuleFailed); ok {
		return f.hidden
	}
	return f
}

// clearFailure notes that the code of a build that began then runs. It reports
// whether that code is new enough to end a failure.
func (m *Machine) clearFailure(began time.Time) bool {
	if f := m.status.failure; f == nil || began.Before(f.began) {
		return false
	}
	m.status.failure = nil
	return true
}

// current returns what runs now.
func (m *Machine) current() report.Current {
	r := &m.rollout
	c := report.Current{Worker: r.worker, Starting: r.starting, Stopping: m.stop.requested}
	if r.worker.PID != 0 {
		c.Built = r.current.began
	}
	return c
}

// showProgress shows in the status line that something takes long.
func (m *Machine) showProgress(e report.Event) {
	m.tell(e)
	m.status.progress = true
}

// endProgress restores the status line.
func (m *Machine) endProgress() {
	m.status.stale = m.status.stale || m.status.progress
	m.status.progress = false
}

// updateStatus ends a step: the status line and the fallback follow from the
// state.
func (m *Machine) updateStatus() {
	s := &m.status
	var line report.StatusChanged
	if s.failure != nil {
		line = report.StatusChanged{Status: s.failure.status, Current: m.current()}
	}
	if line != s.shown || s.stale {
		s.shown, s.stale = line, false
		m.tell(line)
	}
	if page := m.page(); page != s.fallback && !m.stop.requested {
		s.fallback = page
		if page == nil {
			m.do(SetFallback{})
		} else {
			m.do(SetFallback{page.event})
		}
	}
}

// page returns the failure that connections are answered with while no worker
// runs. While a worker may come they wait.
func (m *Machine) page() *failure {
	if m.build.running || m.rules.Running() != nil || m.rollout.launching != nil {
		return nil
	}
	return m.status.failure
}
