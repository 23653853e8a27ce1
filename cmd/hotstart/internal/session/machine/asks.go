package machine

import "github.com/hotstart/hotstart/cmd/hotstart/internal/control"

// Events about clients that wait until the newest code is served.
type (
	Asked     struct{ ID int } // begins a wait; ends in answer
	Withdrawn struct{ ID int } // ends a wait without an answer
	Confirmed struct{}         // ends a check

	// ReloadAsked reloads or restarts, also if nothing has changed.
	ReloadAsked struct{ Restart bool }

	// StopAsked ends the session.
	StopAsked struct{}
)

// Actions about clients that wait.
type (
	Confirm struct{} // checks that no change is unreported and no older worker accepts connections; ends in confirmed
	Answer  struct {
		ID      int
		Outcome control.Outcome
	}
)

// asked begins a wait. Without a list of the files that a build reads, changes
// are not seen: the list is tried again.
func (m *Machine) asked(id int) {
	m.asks.Add(id)
	if m.build.graph == nil && !m.build.listing {
		m.listFiles(m.now)
	}
}

func (m *Machine) reloadAsked(e ReloadAsked) {
	if e.Restart {
		m.handleKey('r')
	} else {
		m.reload("reload requested; building and reloading")
	}
}

// answer answers waits.
func (m *Machine) answer(ids []int, o control.Outcome) {
	for _, id := range ids {
		m.do(Answer{id, o})
	}
}

// advanceAsks ends a step.
func (m *Machine) advanceAsks() {
	if m.stop.requested {
		m.answer(m.asks.Close(), control.Ends)
	} else if m.asks.Advance(m.settled()) {
		m.do(Confirm{})
	}
}

// settled reports whether no newer code is known than the code that is served or that
// fails. A check of a fast build may be under way: its result is the same program.
func (m *Machine) settled() bool {
	b, r := &m.build, &m.rollout
	due := (b.pending.Build || b.pending.Restart) && !m.rules.Failed()
	starting := r.starting.PID != 0 || r.restarting
	return !m.busy() && !m.rules.Busy() && !due && !b.waiting && !b.listing && !starting && len(m.churn.OnTrial()) == 0
}

// outcome returns whether the newest code is served, if nothing is under way.
func (m *Machine) outcome() control.Outcome {
	r := &m.rollout
	fails := m.status.failure() != nil || m.status.settings != nil
	if runs := r.worker.PID != 0 || r.current != nil && r.current.ended; !runs || fails || m.build.graph == nil {
		return control.Failed
	}
	return control.Served
}
