package machine

import (
	"slices"

	"github.com/hotstart/hotstart/starter"
)

// updateHold ends a step: the clients of a worker wait while newer code may soon
// run, and no longer, whatever becomes of that code.
func (m *Machine) updateHold() {
	var old []starter.Worker
	if m.Fresh > 0 && !m.stop.requested {
		old = slices.DeleteFunc(m.Workers(), func(w starter.Worker) bool { return !m.isOutdated(w) })
	}
	if !slices.Equal(old, m.held) {
		m.held = old
		m.do(Hold{m.Fresh, old})
	}
}

// isOutdated reports whether code may soon run that is newer than that of a worker.
func (m *Machine) isOutdated(w starter.Worker) bool {
	r := &m.rollout
	return m.build.running || m.rules.Running() != nil || r.launching != nil && r.programOf(w) != r.launching
}
