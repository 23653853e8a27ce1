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
	seq     int // of the newest build at that time
	event   WorkerEvent
	failed  report.Event
	began   time.Time // build of the code that fails
}

// relink links a program, which may be nil, again after a failure, if the reason may be how it was
// linked. It reports false if the failure is to be reported.
func (m *Machine) relink(e WorkerEvent, p *Program, failed report.Event, began time.Time) bool {
	if m.rollout.doubt != nil || m.stop.requested || !m.mayBeLink(e, p) {
		return false
	}
	m.rollout.doubt = &doubt{p, m.build.seq, e, failed, began}
	m.cancelCheck() // of the link that is in doubt
	m.do(Relink{p})
	return true
}

// mayBeLink reports whether a wrong link can be the reason of a failure. A program that ends by itself,
// or later, is reported like any other: if its link was wrong, the check finds that.
func (m *Machine) mayBeLink(e WorkerEvent, p *Program) bool {
	return p != nil && p.Binary.LinkedBy == builder.LinkedByDelta && p.Binary != m.build.verified &&
		e.Kind == starter.Failed && e.Exit.IsFault(e.Status)
}

// relinked starts the program with the ordinary link. If there is none, the failure is reported.
func (m *Machine) relinked(e Relinked) {
	r := &m.rollout
	d := r.doubt
	r.doubt = nil
	switch {
	case d.seq != m.build.seq: // newer code has been built, or is
		m.discard(e.Binary)
		return
	case e.Binary == nil || m.busy():
		m.discard(e.Binary)
		m.setFailure(d.failed, d.began)
		m.setTimer(idle, idleBeforeCheck)
		m.exitWith(d.event.Event)
		return
	}
	p := d.program
	r.outdated = false
	m.build.unchecked.Binary = e.Binary
	m.setTimer(idle, idleBeforeCheck)
	m.launch(&Program{Binary: e.Binary, Instrumented: p.Instrumented, changed: p.changed, began: p.began, doubt: d})
}

// endDoubt notes that a program serves. If it did not with the link by delta, that is off from now on.
func (m *Machine) endDoubt(p *Program) {
	d := p.doubt
	if d == nil {
		return
	}
	p.doubt = nil
	reason := fmt.Sprintf("%v; the same program starts when the ordinary linker links it", d.event.Event)
	m.do(DistrustDelta{strings.Join(append([]string{reason}, d.event.Exit.Output...), "\n")})
}
