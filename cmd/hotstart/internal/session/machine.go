package session

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/starter"
)

// machine decides what a session does: step handles one event and returns the
// actions that it calls for. It knows no clock, process, file or terminal.
type machine struct {
	policy
	now time.Time // of the current step
	out []action  // of the current step
	due [timerCount]time.Time

	rules    rules.Engine
	ruleRuns ruleRuns     // rule_runs.go
	build    buildState   // build.go
	rollout  rolloutState // rollout.go
	churn    churn
	status   statusState // status.go
	stop     stopState   // stop.go
}

// policy is the part of the options that the machine depends on.
type policy struct {
	dir          string // working directory of the program
	target       string // GOOS/GOARCH of the program
	exit         bool   // end the session with the program
	overlapOff   bool   // one worker runs at a time
	readyTimeout time.Duration
	serveTimeout time.Duration
}

// newMachine returns a machine that waits for the event began. addresses are
// those that hotstart has opened.
func newMachine(p policy, addresses []starter.Address, r rules.Engine) *machine {
	m := &machine{policy: p, rules: r, churn: newChurn()}
	m.build.dirty, m.build.dirtyNext = map[string]bool{}, map[string]bool{}
	m.rollout.addresses = addresses
	return m
}

// step handles one event and returns the actions that it calls for, in order.
func (m *machine) step(now time.Time, e event) []action {
	m.now = now
	if m.stop.requested {
		m.handleStopping(e)
	} else {
		m.handle(e)
		m.expire()
	}
	m.updateStatus()
	out := m.out
	m.out = nil
	return out
}

// handle handles an event while the session is not asked to stop.
func (m *machine) handle(e event) {
	switch e := e.(type) {
	case tick:
	case began:
		m.begin(e)
	case reconfigured:
		m.reconfigure(e)
	case settingsInvalid:
		m.tell(report.SettingsRefused{Err: e.err})
		m.watchAgain(e.read)
	case changed:
		m.filesChanged(e)
	case inspected:
		m.endTrial(e.files)
	case listed:
		m.filesListed(e)
	case graphOutdated:
		m.listFiles(e.since)
	case progressed:
		m.buildProgressed(e)
	case built:
		m.buildEnded(e)
	case checked:
		m.checkEnded(e.built)
	case removed:
		m.build.pending.build = true
		m.advance()
	case ruleDone:
		m.ruleEnded(e)
	case started:
		m.programStarted(e)
	case envInvalid:
		m.startImpossible(e)
	case workerEvent:
		m.handleWorkerEvent(e)
	case suspended:
		m.workerSuspended(e.worker)
	case afterReadyDone:
		m.afterReadyEnded(e)
	case keyPressed:
		m.handleKey(e.key)
	case signaled:
		m.handleSignal(e.signal)
	case disconnected:
		m.requestStop(report.Stopping{Signal: terminated})
	case failed:
		m.fail(e.err)
	}
}

// do adds an action to the current step.
func (m *machine) do(a action) { m.out = append(m.out, a) }

// tell reports an event to the user.
func (m *machine) tell(e report.Event) { m.do(tell{e}) }

// begin starts the session: the rules run, and then the first build, unless
// the first change is awaited.
func (m *machine) begin(e began) {
	switch {
	case e.postpone:
		m.tell(report.Postponed{Package: e.pkg})
	default:
		if e.welcome != "" {
			m.tell(report.Note{Text: e.welcome})
		}
		m.tell(report.Building{Package: e.pkg, Addresses: m.rollout.addresses, Keys: e.keys})
	}
	if e.scriptURL != "" {
		m.tell(report.ScriptReady{URL: e.scriptURL})
	}
	if !m.rules.Empty() {
		m.do(watchFiles{since: m.now})
	}
	if e.postpone {
		m.build.postponed = true
		m.listFiles(m.now)
		return
	}
	m.build.pending.build = true
	m.rules.RunAll()
	m.advance()
}

// reconfigure applies changed settings.
func (m *machine) reconfigure(e reconfigured) {
	m.policy = e.policy
	if len(e.applied) > 0 || len(e.pending) == 0 {
		m.tell(report.SettingsChanged{File: e.file, Applied: e.applied})
	}
	if len(e.pending) > 0 {
		m.tell(report.SettingsPending{File: e.file, Settings: e.pending})
	}
	if e.newRules {
		m.replaceRules(e.rules)
	}
	if e.newBuilder {
		m.cancelBuild()
		m.build.builder++
		m.build.pending.build = true
		m.listFiles(m.now)
	}
	if e.newStart {
		m.build.pending.restart = true
	}
	m.watchAgain(e.read)
	m.advance()
}

// watchAgain replaces the set of watched files after the settings were read.
// A file that has been edited since then may be new to the set.
func (m *machine) watchAgain(read time.Time) {
	if m.build.graph != nil { // or else the first list leads to watchFiles
		m.do(watchFiles{m.build.graph, read})
	}
}

// reload runs the rules, builds and starts the program even if nothing has
// changed.
func (m *machine) reload(why string) {
	m.tell(report.Note{Text: why})
	m.build.postponed = false
	m.build.pending.add(work{build: true, force: true})
	m.rules.RunAll()
	m.listFiles(m.now)
	m.advance()
}
