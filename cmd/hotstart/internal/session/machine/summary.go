package machine

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// Summary is the state of a session in a few words.
type Summary struct {
	State     control.State
	Program   *Program          // that serves, or served last; nil: there is none
	Addresses []starter.Address // that the program serves, or that wait for it
	Failure   report.Event      // that is not fixed; nil: none
	Since     time.Time         // of Failure
	Settings  error             // why the settings file can't be applied; nil: it is
	Unwatched error             // why the files that a build reads are not known; nil: they are, or will be
}

// Summary returns the state of the session.
func (m *Machine) Summary() Summary {
	r := &m.rollout
	s := Summary{State: m.state(), Program: r.current, Addresses: r.listens, Settings: m.status.settings}
	if m.build.graph == nil {
		s.Unwatched = m.build.listErr
	}
	if len(s.Addresses) == 0 {
		s.Addresses = r.addresses
	}
	if f := m.status.failure(); f != nil {
		s.Failure, s.Since = f.event, f.status.Since
	}
	return s
}

func (m *Machine) state() control.State {
	b, r := &m.build, &m.rollout
	switch {
	case m.stop.requested:
		return control.Stopping
	case b.running || m.rules.Running() != nil:
		return control.Building
	case r.launching != nil || r.starting.PID != 0 || r.doubt != nil:
		return control.Starting
	case m.status.failure() != nil || m.status.settings != nil:
		return control.Failing
	case r.worker.PID != 0:
		return control.Serving
	case r.current != nil && r.current.ended:
		return control.Ended
	case b.postponed:
		return control.Waiting
	}
	return control.Starting
}

// Began returns when the build of the program began: its code is of this time.
func (p *Program) Began() time.Time { return p.began }
