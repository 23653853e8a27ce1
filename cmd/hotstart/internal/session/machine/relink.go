package machine

import (
	"fmt"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// doubt is a failure of a program that was linked by delta. It is reported only if the program
// fails after an ordinary link, too.
type doubt struct {
	program *Program
	event   WorkerEvent
	failed  report.Event
	began   time.Time // build of the code that fails
}

// relink links a program, which may be nil, again after a failure, if the reason may be how it was
// linked. It reports false if the failure is to be reported.
func (m *Machine) relink(e WorkerEvent, p *Program, failed report.Event, began time.Time) bool {
	r := &m.rollout
	known := r.doubt != nil && r.doubt.program == p // and the starter has started it again
	if !m.mayBeLink(e, p) || m.stop.requested || r.doubt != nil && !known {
		return false
	}
	r.doubt = &doubt{p, e, failed, began}
	if !known {
		m.cancelCheck() // of the link that is in doubt
		m.do(Relink{p})
	}
	return true
}

// mayBeLink reports whether a wrong link can be the reason of a failure: not if it was verified.
func (m *Machine) mayBeLink(e WorkerEvent, p *Program) bool {
	byDelta := p != nil && p.Binary.LinkedBy == builder.LinkedByDelta && p.Binary != m.build.verified
	started := e.Kind == starter.Crashed || e.Kind == starter.RolledBack
	return byDelta && (!started || e.Exit.IsFault(e.Status))
}

// relinked starts the program with the ordinary link. If there is none, or if newer code is on its
// way, the failure is reported.
func (m *Machine) relinked(e Relinked) {
	r := &m.rollout
	d := r.doubt
	r.doubt = nil
	if e.Binary == nil || m.busy() {
		m.discard(e.Binary)
		m.setFailure(d.failed, d.began)
		m.exitWith(d.event.Event)
		return
	}
	p := d.program
	r.outdated = false
	m.build.unchecked.Binary = e.Binary
	m.setTimer(idle, idleBeforeCheck)
	m.launch(&Program{Binary: e.Binary, Instrumented: p.Instrumented, changed: p.changed, began: p.began, doubt: d})
}

// endDoubt notes that a program works. If its link by delta did not, nothing is linked so again.
func (m *Machine) endDoubt(p *Program) {
	d := p.doubt
	if d == nil {
		return
	}
	p.doubt = nil
	reason := fmt.Sprintf("%v; the same program works when the ordinary linker links it", d.event.Event)
	m.do(DistrustDelta{strings.Join(append([]string{reason}, d.event.Exit.Output...), "\n")})
}
