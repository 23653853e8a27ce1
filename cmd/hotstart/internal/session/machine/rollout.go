package machine

import (
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/starter"
)

// Program is a binary that was given to the starter.
type Program struct {
	command      *starter.Command // nil before the start
	Binary       *builder.Binary
	Instrumented bool         // its workers greet the broker
	changed      []string     // files that it was built or started because of
	began        time.Time    // start of the build; the code is of this time
	restarted    bool         // the binary was started before, by another program
	edits        change.Edits // in its code
	before       launchState  // until the starter has got the program
	doubt        *doubt       // why it was linked again; nil: it was not
	ended        bool         // it has exited with status 0, and is not started again
}

// launchState is what a start replaces.
type launchState struct{ target, launching *Program }

// rolloutState is which program serves, and which is to serve.
type rolloutState struct {
	programs []*Program // programs whose binary may still be needed
	target   *Program   // newest program that has not failed; nil: there is none
	current  *Program   // program that serves, or served last
	lastGood *Program   // program that the starter returns to if a newer one crashes early

	launching  *Program       // started, and neither ready nor failed yet
	outdated   bool           // code that is newer than that of target does not build or start
	doubt      *doubt         // program that is linked again after a failure; nil: none
	worker     starter.Worker // the worker that serves; zero: none
	starting   starter.Worker // the worker that is to serve next; zero: none
	restarting bool           // the worker has crashed, and the starter starts it again

	addresses []starter.Address // opened by hotstart, except those that the program does not use
	listens   []starter.Address // addresses that the current worker serves, or served last

	instrumentation    string           // last known result of the instrumentation
	unreportedAdoption string           // instrumentation to report when the program serves; "": none
	overlapHinted      bool             // --overlap was mentioned
	exitReported       bool             // the exit status of an old worker was reported
	opened             bool             // the browser was opened for Policy.Open
	suspended          []starter.Worker // workers that were reported as suspended
}

// newest returns the worker that runs the newest code.
func (r *rolloutState) newest() starter.Worker {
	if r.starting.PID != 0 {
		return r.starting
	}
	return r.worker
}

// isTarget reports whether the newest program has the same content as a binary,
// and has not ended.
func (m *Machine) isTarget(b *builder.Binary) bool {
	target := m.rollout.target
	return target != nil && !target.ended && target.Binary.SameContent(b)
}

// restart starts the newest binary again. If there is newer code, it is built
// first.
func (m *Machine) restart() {
	b, target := &m.build, m.rollout.target
	switch {
	case b.running:
		b.force, b.pending.Restart = true, false
	case target == nil || m.rollout.outdated:
		b.pending.Force = true
		m.startBuild()
	default:
		b.pending = change.Work{Refresh: b.pending.Refresh}
		m.launch(&Program{Binary: target.Binary, Instrumented: target.Instrumented, changed: m.takeDirty(), began: target.began, restarted: true})
	}
}

func (m *Machine) launch(p *Program) {
	r := &m.rollout
	r.programs = append(r.programs, p)
	p.before = launchState{r.target, r.launching}
	p.edits = m.build.edits
	r.target, r.launching = p, p
	m.build.pending.Restart = false // this is the start
	m.do(Start{p, r.worker.PID == 0})
}

func (m *Machine) programStarted(e Started) {
	e.Program.command, e.Program.before = e.Command, launchState{}
	m.churn.Starting()
}

func (m *Machine) startImpossible(e EnvInvalid) {
	p, r := e.Program, &m.rollout
	r.outdated = true
	if r.target == p {
		r.target = p.before.target
	}
	if r.launching == p {
		r.launching = p.before.launching // the starter still starts that one
	}
	m.cancelCheck() // its result would be compared with a program of the old environment
	m.setFailure(report.EnvFileFailed{Cause: m.cause(p.changed), Err: e.Err, Current: m.current()}, m.now)
	m.removeUnusedPrograms()
}

func (m *Machine) handleWorkerEvent(e WorkerEvent) {
	r := &m.rollout
	p := r.programOf(e.Worker)
	switch e.Kind {
	case starter.Serving, starter.Failed, starter.TimedOut, starter.Completed, starter.Crashed, starter.Exited:
		m.churn.Started(m.now)
		m.setTimer(trialOver, trialTime)
	}
	switch e.Kind {
	case starter.Starting:
		r.starting, r.restarting = e.Worker, false
		m.setTimer(startSlow, slowStart)
	case starter.Serving:
		m.workerServes(e, p)
	case starter.Crashed:
		r.worker, r.restarting = starter.Worker{}, e.Restarting
		m.crashed(e, p)
	case starter.RolledBack:
		m.rolledBack(e, p)
	case starter.Settled:
		r.lastGood = p
		m.removeUnusedPrograms()
	case starter.Completed:
		m.programEnded(e, p)
	case starter.GaveUp:
		r.restarting = false
		m.gaveUp(e, p)
	case starter.Failed, starter.TimedOut:
		m.startFailed(e, p)
	case starter.Contended:
		m.clearStarting()
		r.overlapHinted = true
		m.tell(report.Contended{Worker: e.Worker, What: e.Resource, Holder: r.worker})
	case starter.Retiring: // the next worker is started when this one has ended
		r.worker = starter.Worker{}
	case starter.Killing:
		m.tell(report.WorkerEvent{Event: e.Event})
		if m.stop.requested {
			m.stop.killed = e.Worker
		}
	default:
		m.reportWorker(e.Event)
	}
}

// programOf returns the program of a worker, or nil.
func (r *rolloutState) programOf(w starter.Worker) *Program {
	for _, p := range r.programs {
		if w.Command != nil && p.command == w.Command {
			return p
		}
	}
	return nil
}

func (m *Machine) clearStarting() {
	m.rollout.starting, m.rollout.restarting = starter.Worker{}, false
	m.clearTimer(startSlow)
}

func (m *Machine) endLaunch(p *Program) {
	if m.rollout.launching == p {
		m.rollout.launching = nil
	}
}

func (m *Machine) workerServes(e WorkerEvent, p *Program) {
	r := &m.rollout
	m.do(SendInput{p}) // before the user reads the report, and types
	m.reportServing(e.Event, p)
	r.worker, r.current, r.listens = e.Worker, p, e.Addresses
	if m.Open && !r.opened {
		r.opened = true
		m.openBrowser()
	}
	m.clearStarting()
	m.endLaunch(p)
	m.endDoubt(p)
	m.build.pending.Refresh = nil // the report reloads the open pages
	if r.target == nil {
		r.target = p
	}
	if r.lastGood == nil || r.lastGood.ended {
		r.lastGood = p
	}
	m.removeUnusedPrograms()
	if !m.stop.requested {
		m.do(RunAfter{e.Worker, m.firstURL()})
	}
}

func (m *Machine) reportServing(e starter.Event, p *Program) {
	r := &m.rollout
	if len(e.Addresses) > 0 {
		m.reportAdopted()
	}
	s := report.Serving{Worker: e.Worker, Built: p.began, Addresses: e.Addresses, Stale: m.now}
	if r.worker.PID == 0 { // the first worker answers the requests that waited for it
		s.Stale = m.now.Add(-e.Elapsed)
	}
	if len(e.Others) > 0 {
		s.Finishing = e.Others[0]
	}
	s.Fixed = m.clearFailure(p.began)
	switch {
	case p == r.current:
		s.How = report.Again
	case p.restarted:
		s.How, s.Cause = report.Restarted, m.cause(p.changed)
	default:
		s.How, s.Cause, s.Took = report.NewBuild, m.cause(p.changed), p.Binary.Duration
	}
	if r.current != nil && r.current != p {
		s.Styles = p.edits.OnlyStyles(r.current.edits)
	}
	m.tell(s)
}

// startFailed notes a worker that ended, or took too long, before it was
// ready.
func (m *Machine) startFailed(e WorkerEvent, p *Program) {
	r := &m.rollout
	if e.Worker == r.starting {
		m.clearStarting()
	}
	m.endLaunch(p)
	if p == r.target {
		r.target, r.outdated = nil, true
		if r.worker.PID != 0 {
			r.target = r.current
		}
	}
	f := report.StartFailed{Event: e.Event, Exit: e.Exit, Current: m.current(), Addresses: r.addresses}
	if back := r.programOf(starter.Worker{Command: e.Rollback}); back != nil && !m.stop.requested {
		r.current = back
		f.Current.BackTo = back.began
	}
	if r.worker.PID != 0 && !r.overlapHinted && !m.OverlapOff {
		r.overlapHinted, f.Overlap = true, true
	}
	var began time.Time
	if p != nil {
		began, f.Cause = p.began, m.cause(p.changed)
	} else {
		f.Cause = m.cause(nil)
	}
	if m.relink(e, p, f, began) {
		m.removeUnusedPrograms()
		return
	}
	m.setFailure(f, began) // a new start of the same code may fix it
	if e.Kind == starter.Failed && strings.Contains(e.Reason(), syscall.ENOEXEC.Error()) {
		m.tell(report.WrongTarget{Target: m.Target})
	}
	m.removeUnusedPrograms()
	if e.Kind == starter.Failed {
		m.exitWith(e.Event)
	}
}

// crashed reports a worker that has ended after it served.
func (m *Machine) crashed(e WorkerEvent, p *Program) {
	f := report.Crashed{Event: e.Event, Exit: e.Exit, Starting: m.rollout.starting}
	m.exitWith(e.Event)
	f.Stopping = m.stop.requested
	m.tell(f)
}

// rolledBack notes a worker that crashed so soon after it took over that the
// last good program is started.
func (m *Machine) rolledBack(e WorkerEvent, p *Program) {
	r := &m.rollout
	r.worker = starter.Worker{}
	if p == r.target {
		r.target = r.lastGood
	}
	r.outdated, r.current = true, r.lastGood
	f := report.RolledBack{Event: e.Event, Cause: m.cause(p.changed), Exit: e.Exit, Current: m.current()}
	f.Current.BackTo = r.lastGood.began
	began := p.began
	if p.Binary.SameContent(r.lastGood.Binary) {
		began = r.lastGood.began // the same code is started again
	}
	m.setFailure(f, began)
	m.exitWith(e.Event)
}

// programEnded notes a worker that has ended with status 0, which nobody asked
// for.
func (m *Machine) programEnded(e WorkerEvent, p *Program) {
	r := &m.rollout
	r.worker = starter.Worker{}
	m.clearStarting()
	m.endLaunch(p)
	r.current, p.ended = p, true
	fixed := m.clearFailure(p.began)
	m.setFailure(report.Ended{Event: e.Event, Cause: m.cause(p.changed), Fixed: fixed, Server: len(r.listens)+len(r.addresses) > 0}, p.began)
	m.removeUnusedPrograms()
	m.exitWith(e.Event)
}

// gaveUp notes a program that crashed repeatedly, and is not started again. A
// single failed start was reported as such.
func (m *Machine) gaveUp(e WorkerEvent, p *Program) {
	if e.Failures == 1 {
		return
	}
	r := &m.rollout
	r.outdated = true // so that restart builds
	if p == r.target {
		r.target = nil // so that the same program is started when it is built again
	}
	m.setFailure(report.GaveUp{Worker: e.Worker, Failures: e.Failures}, p.began)
}

// removeUnusedPrograms removes the binaries that no worker is started from
// again.
func (m *Machine) removeUnusedPrograms() {
	r := &m.rollout
	starting := r.programOf(r.starting)
	for _, p := range slices.Clone(r.programs) {
		switch p {
		case r.target, r.current, r.lastGood, starting: // a program that is launched is the target
			continue
		}
		r.programs = slices.DeleteFunc(r.programs, func(x *Program) bool { return x == p })
		m.do(CloseStreams{p})
		if !slices.ContainsFunc(r.programs, func(x *Program) bool { return x.Binary == p.Binary }) {
			m.do(Discard{p.Binary})
		}
	}
}

// explainSlowStart tells what hotstart waits for. Where an old worker serves,
// the new worker has to serve all of its addresses.
func (m *Machine) explainSlowStart() {
	e := report.SlowStart{ReadyTimeout: m.ReadyTimeout}
	if m.rollout.worker.PID != 0 {
		e.ServeTimeout = m.ServeTimeout
	}
	m.tell(e)
}

// afterReadyEnded notes the end of a command of --after-ready. It may have
// written files, as a start may.
func (m *Machine) afterReadyEnded(e AfterReadyDone) {
	if e.Err != nil {
		m.tell(report.AfterReadyFailed{Title: rules.Rule{Run: e.Line}.Title(), Command: e.Line, Err: e.Err})
	}
	m.churn.Started(m.now)
}
