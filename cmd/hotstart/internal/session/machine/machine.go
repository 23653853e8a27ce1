// Package machine decides what a watch session does: which rule runs, when a
// build begins or is cancelled, which program is started, which binary is
// removed, and what the user reads. It acts on nothing: package session hands
// events to it and performs the actions that it returns.
//
// Package change says what a change of a file calls for. The decisions are in files
// by what they are about: build.go has the pending work, the build under way
// and its check; rule_runs.go the rules; rollout.go the programs and their
// workers; relink.go the programs that fail because of their link; worker_reports.go
// the addresses that workers serve; status.go the failure that is not fixed and the
// fallback for connections; hold.go the workers whose clients wait for newer code; shortcuts.go the
// keyboard shortcuts; stop.go the end; asks.go the clients that wait, and summary.go
// what they read; timers.go every wait. events.go has the events and the actions.
package machine

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/asks"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/churn"
	"github.com/hotstart/hotstart/starter"
)

// Machine is the state of one session. It knows no clock, process, file or
// terminal. Its methods are called from one goroutine.
type Machine struct {
	Policy
	now time.Time // of the current step
	out []Action  // of the current step
	due [timerCount]time.Time

	rules    rules.Engine
	ruleRuns ruleRuns     // rule_runs.go
	build    buildState   // build.go
	rollout  rolloutState // rollout.go
	churn    churn.Detector
	status   statusState      // status.go
	held     []starter.Worker // hold.go
	stop     stopState        // stop.go
	asks     asks.Queue       // asks.go
}

// Policy is the part of the options that the machine depends on.
type Policy struct {
	Dir          string // working directory of the program
	Target       string // GOOS/GOARCH of the program
	Exit         bool   // end the session with the program
	OverlapOff   bool   // one worker runs at a time
	Open         bool   // open the browser when the program first serves
	ReadyTimeout time.Duration
	ServeTimeout time.Duration
	Fresh        time.Duration // clients wait at most this long for newer code; 0: they do not
}

// New returns a machine that waits for the event Began. addresses are the
// addresses that hotstart has opened.
func New(p Policy, addresses []starter.Address, r rules.Engine) *Machine {
	m := &Machine{Policy: p, rules: r, churn: churn.NewDetector()}
	m.build.dirty, m.build.dirtyNext = map[string]bool{}, map[string]bool{}
	m.rollout.addresses = addresses
	return m
}

// Step handles one event and returns the actions that it calls for, in order.
func (m *Machine) Step(now time.Time, e Event) []Action {
	m.now = now
	if m.stop.requested {
		m.handleStopping(e)
	} else {
		m.handle(e)
	}
	if !m.stop.requested {
		m.expire()
	}
	m.updateStatus()
	m.updateHold()
	m.advanceAsks()
	out := m.out
	m.out = nil
	return out
}

func (m *Machine) handle(e Event) {
	switch e := e.(type) {
	case Tick:
	case Began:
		m.begin(e)
	case Reconfigured:
		m.reconfigure(e)
	case SettingsInvalid:
		m.status.settings = e.Err
		m.tell(report.SettingsRefused{Err: e.Err})
		m.watchAgain(e.Read)
	case Changed:
		m.filesChanged(e)
	case Inspected:
		m.endTrial(e.Files)
	case Listed:
		m.filesListed(e)
	case GraphOutdated:
		m.listFiles(e.Since)
	case Progressed:
		if m.build.running {
			m.showProgress(report.Progress{Progress: e.Progress})
		}
	case Built:
		m.buildEnded(e)
	case Checked:
		m.checkEnded(e)
	case Relinked:
		m.relinked(e)
	case Removed:
		if m.build.following { // or else there is a newer build
			m.build.pending.Build = true
			m.advance()
		}
	case RuleDone:
		m.ruleEnded(e)
	case Started:
		m.programStarted(e)
	case EnvInvalid:
		m.startImpossible(e)
	case WorkerEvent:
		m.handleWorkerEvent(e)
	case Suspended:
		m.workerSuspended(e.Worker)
	case AfterReadyDone:
		m.afterReadyEnded(e)
	case KeyPressed:
		m.handleKey(e.Key)
	case Signaled:
		m.handleSignal(e.Signal)
	case Asked:
		m.asked(e.ID)
	case Withdrawn:
		m.asks.Remove(e.ID)
	case Confirmed:
		m.answer(m.asks.Confirmed(m.settled()), m.outcome())
	case ReloadAsked:
		m.reloadAsked(e)
	case StopAsked:
		m.requestStop(report.Stopping{Signal: terminated, Client: true})
	case Disconnected:
		m.requestStop(report.Stopping{Signal: terminated})
	case Failed:
		m.fail(e.Err)
	}
}

// Workers returns the workers that start or serve.
func (m *Machine) Workers() (all []starter.Worker) {
	for _, w := range []starter.Worker{m.rollout.starting, m.rollout.worker} {
		if w.PID != 0 {
			all = append(all, w)
		}
	}
	return all
}

// ProgramOf returns the program of a worker, or nil.
func (m *Machine) ProgramOf(w starter.Worker) *Program { return m.rollout.programOf(w) }

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

func (m *Machine) tell(e report.Event) { m.do(Tell{e}) }

// begin starts the session: the rules run, and then the first build, unless
// the first change is awaited.
func (m *Machine) begin(e Began) {
	if e.Postpone {
		m.tell(report.Postponed{Package: e.Package})
	} else {
		m.tell(report.Building{Package: e.Package, Addresses: m.rollout.addresses, Keys: e.Keys})
	}
	if e.ScriptURL != "" {
		m.tell(report.ScriptReady{URL: e.ScriptURL})
	}
	if !m.rules.Empty() {
		m.do(WatchFiles{Since: m.now})
	}
	if e.Postpone {
		m.build.postponed = true
		m.listFiles(m.now)
		return
	}
	m.build.pending.Build = true
	m.rules.RunAll()
	m.advance()
}

func (m *Machine) reconfigure(e Reconfigured) {
	m.Policy, m.status.settings = e.Policy, nil
	if len(e.Applied) > 0 || len(e.Pending) == 0 {
		m.tell(report.SettingsChanged{File: e.File, Applied: e.Applied})
	}
	if len(e.Pending) > 0 {
		m.tell(report.SettingsPending{File: e.File, Settings: e.Pending})
	}
	if e.NewRules {
		m.cancelRule() // the others run when this run has ended
		e.Rules.Inherit(m.rules)
		m.rules = e.Rules
		m.rules.RunAll()
	}
	if e.NewBuilder {
		m.cancelBuild()
		m.cancelCheck()
		m.build.builder++
		m.build.pending.Build = true
		m.listFiles(m.now)
	}
	if e.NewStart {
		m.build.pending.Restart = true
	}
	m.watchAgain(e.Read)
	m.advance()
}

// watchAgain replaces the set of watched files after the settings were read.
// A file that has been edited since then may be new to the set.
func (m *Machine) watchAgain(read time.Time) {
	if m.build.graph != nil { // or else the first list leads to watchFiles
		m.do(WatchFiles{m.build.graph, read})
	}
}

// reload runs the rules, builds and starts the program even if nothing has
// changed.
func (m *Machine) reload(why string) {
	m.tell(report.Note{Text: why})
	m.build.postponed = false
	m.build.pending.Add(change.Work{Build: true, Force: true})
	m.rules.RunAll()
	m.listFiles(m.now)
	m.advance()
}
