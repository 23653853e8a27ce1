package machine

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
)

// statusState is whether the newest code is served, and how that is shown.
type statusState struct {
	code     *failure // newer code that does not run; nil: there is none
	rule     *failure // rule that fails, so that the newest code is not built; nil: there is none
	settings error    // why the settings file can't be applied; nil: it is
	shown    report.StatusChanged
	progress bool     // the status line shows progress
	stale    bool     // the status line has to be shown again
	fallback *failure // failure on the page that answers connections; nil: they wait
	busy     bool     // reported: a reload has begun, and has not ended
}

// failure is a reason why newer code than that of the current worker does not
// run.
type failure struct {
	event  report.Event
	status report.Status
	began  time.Time // build of the code that fails; a worker with older code does not fix it
}

// setFailure reports that the code of a build that began then does not run.
func (m *Machine) setFailure(f report.Event, began time.Time) {
	m.tell(f)
	if headline, _ := report.Failure(f); headline == "" {
		return
	}
	slot := &m.status.code
	if _, ok := f.(report.RuleFailed); ok {
		slot = &m.status.rule
	}
	next := failure{event: f, began: began}
	if before := *slot; before != nil {
		next.status = before.status
		if before.began.After(began) { // still not fixed
			next.began = before.began
		}
	}
	next.status = next.status.Failed(f, m.now)
	*slot = &next
}

// failure returns the failure to show, or nil. A rule has to succeed before
// code can.
func (s *statusState) failure() *failure {
	if s.rule != nil {
		return s.rule
	}
	return s.code
}

// clearFailure notes that the code of a build that began then runs. It reports
// whether that ends all failures. A rule that fails remains: what runs lacks its
// output.
func (m *Machine) clearFailure(began time.Time) bool {
	s := &m.status
	failed := s.failure() != nil
	if s.code != nil && !began.Before(s.code.began) {
		s.code = nil
	}
	if s.rule != nil && !began.Before(s.rule.began) && !m.rules.Failed() {
		s.rule = nil
	}
	return failed && s.failure() == nil
}

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

func (m *Machine) endProgress() {
	m.status.stale = m.status.stale || m.status.progress
	m.status.progress = false
}

// updateStatus ends a step: the status line, the fallback, and whether a reload
// begins or ends follow from the state.
func (m *Machine) updateStatus() {
	s := &m.status
	var line report.StatusChanged
	if f := s.failure(); f != nil {
		line = report.StatusChanged{Status: f.status, Current: m.current()}
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
	m.reportReload()
}

// reportReload reports that a reload begins or ends.
func (m *Machine) reportReload() {
	s := &m.status
	if m.stop.requested || m.busy() == s.busy {
		return
	}
	if s.busy = !s.busy; s.busy {
		m.tell(report.ReloadBegan{})
		return
	}
	var end report.ReloadEnded
	if f := s.failure(); f != nil {
		end.Failing = f.status.Failing
	}
	m.tell(end)
}

// busy reports whether newer code may soon run.
func (m *Machine) busy() bool {
	return m.build.running || m.rules.Running() != nil || m.rollout.launching != nil || m.rollout.doubt != nil
}

// page returns the failure that connections are answered with while no worker
// runs. While a worker may come they wait.
func (m *Machine) page() *failure {
	if m.busy() {
		return nil
	}
	return m.status.failure()
}
