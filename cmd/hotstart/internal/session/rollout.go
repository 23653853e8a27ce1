package session

import (
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/starter"
)

// program is a binary that was given to the starter.
type program struct {
	command      *starter.Command // nil before the start
	binary       *builder.Binary
	instrumented bool      // its workers greet the broker
	changed      []string  // files that it was built or started because of
	began        time.Time // start of the build; the code is of this time
	restarted    bool      // the binary was started before, by another program
	before       *program  // target before the start, until the starter has got the program
	ended        bool      // it has exited with status 0, and is not started again
}

// rolloutState is which program serves, and which is to serve.
type rolloutState struct {
	programs []*program // programs whose binary may still be needed
	target   *program   // newest program that has not failed; nil: there is none
	current  *program   // program that serves, or served last
	lastGood *program   // program that the starter returns to if a newer one crashes early

	launching *program       // started, and neither ready nor failed yet
	outdated  bool           // code that is newer than that of target does not build or start
	worker    starter.Worker // the worker that serves; zero: none
	starting  starter.Worker // the worker that is to serve next; zero: none

	addresses []starter.Address // opened by hotstart, except those that the program does not use
	listens   []starter.Address // addresses that the current worker serves, or served last

	instrumentation    string           // last known result of the instrumentation
	unreportedAdoption string           // instrumentation to report when the program serves; "": none
	overlapHinted      bool             // --overlap was mentioned
	exitReported       bool             // the exit status of an old worker was reported
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
func (m *machine) isTarget(b *builder.Binary) bool {
	target := m.rollout.target
	return target != nil && !target.ended && target.binary.SameContent(b)
}

// restart starts the newest binary again. If there is newer code, it is built
// first.
func (m *machine) restart() {
	b, target := &m.build, m.rollout.target
	switch {
	case b.running:
		b.force, b.pending.restart = true, false
	case target == nil || m.rollout.outdated:
		b.pending.force = true
		m.startBuild()
	default:
		b.pending = work{refresh: b.pending.refresh}
		m.launch(&program{binary: target.binary, instrumented: target.instrumented, changed: m.takeDirty(), began: target.began, restarted: true})
	}
}

// launch starts a program.
func (m *machine) launch(p *program) {
	r := &m.rollout
	r.programs = append(r.programs, p)
	p.before, r.target, r.launching = r.target, p, p
	m.do(start{p, r.worker.PID == 0})
}

// programStarted notes that the starter has got a program.
func (m *machine) programStarted(e started) {
	e.program.command, e.program.before = e.command, nil
	m.churn.starts()
}

// startImpossible reports an environment that can't be read.
func (m *machine) startImpossible(e envInvalid) {
	p, r := e.program, &m.rollout
	r.outdated = true
	if r.target == p {
		r.target = p.before
	}
	m.endLaunch(p)
	m.setFailure(report.EnvFileFailed{Cause: m.cause(p.changed), Err: e.err, Current: m.current()}, m.now)
	m.removeUnusedPrograms()
}

// handleWorkerEvent follows what the starter does.
func (m *machine) handleWorkerEvent(e workerEvent) {
	r := &m.rollout
	p := r.programOf(e.Worker)
	switch e.Kind {
	case starter.Serving, starter.Failed, starter.TimedOut, starter.Completed, starter.Crashed, starter.Exited:
		m.churn.settles(m.now)
		m.setTimer(trialOver, trialTime)
	}
	switch e.Kind {
	case starter.Starting:
		r.starting = e.Worker
		m.setTimer(startSlow, slowStart)
	case starter.Serving:
		m.workerServes(e, p)
	case starter.Crashed:
		r.worker = starter.Worker{}
		m.exitWith(e.Event)
		m.tell(report.Crashed{Event: e.Event, Exit: e.exit, Starting: r.starting, Stopping: m.stop.requested})
	case starter.RolledBack:
		m.rolledBack(e, p)
	case starter.Settled:
		r.lastGood = p
		m.removeUnusedPrograms()
	case starter.Completed:
		m.programEnded(e, p)
	case starter.GaveUp:
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
func (r *rolloutState) programOf(w starter.Worker) *program {
	for _, p := range r.programs {
		if w.Command != nil && p.command == w.Command {
			return p
		}
	}
	return nil
}

func (m *machine) clearStarting() {
	m.rollout.starting = starter.Worker{}
	m.clearTimer(startSlow)
}

// endLaunch notes that a program is ready or has failed.
func (m *machine) endLaunch(p *program) {
	if m.rollout.launching == p {
		m.rollout.launching = nil
	}
}

// workerServes notes a worker that has taken over.
func (m *machine) workerServes(e workerEvent, p *program) {
	r := &m.rollout
	m.do(sendInput{p}) // before the user reads the report, and types
	m.reportServing(e.Event, p)
	r.worker, r.current, r.listens = e.Worker, p, e.Addresses
	m.clearStarting()
	m.endLaunch(p)
	m.build.pending.refresh = nil // the report reloads the open pages
	if r.target == nil {
		r.target = p
	}
	if r.lastGood == nil || r.lastGood.ended {
		r.lastGood = p
	}
	m.removeUnusedPrograms()
	if !m.stop.requested {
		m.do(runAfter{e.Worker, m.firstURL()})
	}
}

func (m *machine) reportServing(e starter.Event, p *program) {
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
		s.How, s.Cause, s.Took = report.NewBuild, m.cause(p.changed), p.binary.Duration
	}
	m.tell(s)
}

// startFailed notes a worker that ended, or took too long, before it was
// ready.
func (m *machine) startFailed(e workerEvent, p *program) {
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
	f := report.StartFailed{Event: e.Event, Exit: e.exit, Current: m.current(), Addresses: r.addresses}
	if back := r.programOf(starter.Worker{Command: e.Rollback}); back != nil && !m.stop.requested {
		r.current = back
		f.Current.BackTo = back.began
	}
	if r.worker.PID != 0 && !r.overlapHinted && !m.overlapOff {
		r.overlapHinted, f.Overlap = true, true
	}
	var began time.Time
	if p != nil {
		began, f.Cause = p.began, m.cause(p.changed)
	} else {
		f.Cause = m.cause(nil)
	}
	m.setFailure(f, began) // a new start of the same code may fix it
	if e.Kind == starter.Failed && strings.Contains(e.Reason(), syscall.ENOEXEC.Error()) {
		m.tell(report.WrongTarget{Target: m.target})
	}
	m.removeUnusedPrograms()
	if e.Kind == starter.Failed {
		m.exitWith(e.Event)
	}
}

// rolledBack notes a worker that crashed so soon after it took over that the
// last good program is started.
func (m *machine) rolledBack(e workerEvent, p *program) {
	r := &m.rollout
	r.worker = starter.Worker{}
	if p == r.target {
		r.target = r.lastGood
	}
	r.outdated, r.current = true, r.lastGood
	f := report.RolledBack{Event: e.Event, Cause: m.cause(p.changed), Exit: e.exit, Current: m.current()}
	f.Current.BackTo = r.lastGood.began
	m.setFailure(f, p.began)
	m.exitWith(e.Event)
}

// programEnded notes a worker that has ended with status 0, which nobody asked
// for.
func (m *machine) programEnded(e workerEvent, p *program) {
	r := &m.rollout
	r.worker = starter.Worker{}
	m.clearStarting()
	m.endLaunch(p)
	r.current, p.ended = p, true
	fixed := m.clearFailure(p.began)
	m.setFailure(report.Ended{Event: e.Event, Cause: m.cause(p.changed), Fixed: fixed, Server: len(r.listens)+len(r.addresses) > 0}, m.now)
	m.removeUnusedPrograms()
	m.exitWith(e.Event)
}

// gaveUp notes a program that crashed repeatedly, and is not started again. A
// single failed start was reported as such.
func (m *machine) gaveUp(e workerEvent, p *program) {
	if e.Failures == 1 {
		return
	}
	r := &m.rollout
	r.outdated = true // so that restart builds
	if p == r.target {
		r.target = nil // so that the same program is started when it is built again
	}
	m.setFailure(report.GaveUp{Worker: e.Worker, Failures: e.Failures}, m.now)
}

// removeUnusedPrograms removes the binaries that no worker is started from
// again.
func (m *machine) removeUnusedPrograms() {
	r := &m.rollout
	starting := r.programOf(r.starting)
	for _, p := range slices.Clone(r.programs) {
		switch p {
		case r.target, r.current, r.lastGood, r.launching, starting:
			continue
		}
		r.programs = slices.DeleteFunc(r.programs, func(x *program) bool { return x == p })
		m.do(closeStreams{p})
		if !slices.ContainsFunc(r.programs, func(x *program) bool { return x.binary == p.binary }) {
			m.do(discard{p.binary})
		}
	}
}

// explainSlowStart tells what hotstart waits for. Where an old worker serves,
// the new worker has to serve all of its addresses.
func (m *machine) explainSlowStart() {
	e := report.SlowStart{ReadyTimeout: m.readyTimeout}
	if m.rollout.worker.PID != 0 {
		e.ServeTimeout = m.serveTimeout
	}
	m.tell(e)
}

// afterReadyEnded notes the end of a command of --after-ready. It may have
// written files, as a start may.
func (m *machine) afterReadyEnded(e afterReadyDone) {
	if e.err != nil {
		m.tell(report.AfterReadyFailed{Title: rules.Rule{Run: e.line}.Title(), Command: e.line, Err: e.err})
	}
	m.churn.settles(m.now)
}
