package machine

import (
	"cmp"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/churn"
)

// buildState is the work that changes call for, and the build under way.
type buildState struct {
	pending   change.Work     // after the rules have run
	dirty     map[string]bool // files that changed since the last build that ended
	postponed bool            // nothing is built before the first change

	seq       int             // of the newest build; the results of others are discarded
	running   bool            // the newest build is under way
	force     bool            // the newest build is started even if the program is the same
	ended     int             // builds that ended
	unchecked Built           // last result of the fast build
	verified  *builder.Binary // the last one that is certainly what the go command builds
	following bool            // a check of the last build, or a wait for temporary files, is under way

	// While a build runs that must not be cancelled:
	dirtyNext map[string]bool // files that changed
	waiting   bool            // advance when the build has ended
	edits     change.Edits    // that were built or started

	builder   int            // number of the builder; it counts new settings
	graph     *builder.Graph // files that a build reads; nil: not known yet
	missing   []string       // files that the program needs and that do not exist
	listing   bool
	listErr   error     // of the last list
	listAgain time.Time // list again after the list under way, for a build that began then; zero: no
}

func (m *Machine) filesChanged(e Changed) {
	onTrial := len(m.churn.OnTrial())
	files := m.withoutOwnWrites(e)
	if files := m.churn.OnTrial(); len(files) > onTrial {
		m.tell(report.SuspectFiles{Files: files, Starts: churn.ManyStarts + 1})
	}
	if m.churn.WantsTrial() {
		m.build.pending.Restart = true
	} else if len(files) == 0 {
		return
	}
	if m.build.postponed {
		m.build.postponed, m.build.pending.Build = false, true
		m.rules.RunAll()
	}
	m.noteChanges(files)
	m.rules.Changed(change.ForRules(files, e.Since))
	m.advance()
}

func (m *Machine) withoutOwnWrites(e Changed) []change.File {
	var paths []string
	for _, f := range e.Files {
		paths = append(paths, f.Path)
	}
	return change.Among(e.Files, m.churn.Changed(paths, e.Since, change.Modified(e.Files)))
}

// noteChanges adds the work that changes call for, and the files that the next
// start is because of.
func (m *Machine) noteChanges(files []change.File) {
	var paths []string
	for _, f := range files {
		m.build.pending.Add(f.Work())
		if f.Effect >= change.EffectRestart {
			paths = append(paths, f.Path)
		}
	}
	for _, path := range paths {
		m.build.dirty[path] = true
		if m.mustFinish() {
			m.build.dirtyNext[path] = true
		}
	}
	if m.build.running {
		m.churn.ChangedDuringBuild(paths)
	}
}

// mustFinish reports whether the build under way is left to finish although
// its code is outdated: the builds before it were cancelled.
func (m *Machine) mustFinish() bool { return m.build.running && m.churn.MustFinish() }

// advance does the next part of the pending work: the rules, one after the
// other, and if they succeed a build, or else a start of the last binary.
func (m *Machine) advance() {
	if m.mustFinish() {
		m.build.waiting = true
		if files := m.churn.Busy(); len(files) > 0 { // each is named once
			m.tell(report.BusyFiles{Files: files, Builds: churn.MaxCancelled + 1, Ignore: m.ignorable(files)})
		}
		return
	}
	m.advanceRules()
	if m.rules.Busy() {
		m.cancelBuild() // its code is outdated when the rules have run
		return
	}
	if m.build.graph == nil && !m.build.listing {
		m.listFiles(m.now)
	}
	switch {
	case m.rules.Failed():
		m.refreshPages()
	case m.build.pending.Build:
		m.startBuild()
	case m.build.pending.Restart:
		m.restart()
	case !m.build.running:
		m.refreshPages()
		if fixed := m.clearFailureByRules(); len(m.ruleRuns.unreported) > 0 {
			m.tell(report.RulesDone{Rules: m.cause(nil).Rules, Fixed: fixed})
		}
	}
}

// startBuild starts a build. A build under way is cancelled: its code is
// outdated.
func (m *Machine) startBuild() {
	b := &m.build
	if b.running {
		m.do(CancelBuild{})
		m.churn.BuildCancelled()
	}
	m.cancelCheck()
	b.force = b.force || b.pending.Force || b.pending.Restart
	b.pending = change.Work{Refresh: b.pending.Refresh}
	b.seq++
	b.running = true
	m.do(StartBuild{b.seq})
}

// cancelBuild cancels the build under way, and leaves it to be done.
func (m *Machine) cancelBuild() {
	b := &m.build
	if !b.running {
		return
	}
	m.do(CancelBuild{})
	m.cancelCheck()
	m.churn.BuildCancelled()
	m.endProgress()
	b.seq++
	b.running, b.pending.Build = false, true
}

func (m *Machine) buildEnded(e Built) {
	b := &m.build
	if e.Seq != b.seq || !b.running {
		m.discard(e.Binary)
		return
	}
	b.running = false
	m.endProgress()
	if b.ended++; b.ended == 1 && e.InvalidCommand {
		m.fail(e.Err)
		return
	}
	m.churn.BuildFinished()
	dirty := m.takeDirty()
	b.dirty, b.dirtyNext = b.dirtyNext, map[string]bool{}
	if b.ended > 1 {
		m.do(ClearScreen{AfterBuild: true})
	}
	m.compareGraph(dirty, e.Began)
	m.handleBuildResult(e, dirty)
	if e.Binary != nil && (e.Binary.FastBuild || e.Binary.Recorded) {
		b.unchecked = e
		m.setTimer(idle, idleBeforeCheck)
	}
	if b.waiting {
		b.waiting = false
		m.advance()
	}
}

// handleBuildResult reports errors, or starts the program if it differs from
// the program that runs.
func (m *Machine) handleBuildResult(e Built, changed []string) {
	b := &m.build
	m.rollout.outdated = e.Err != nil
	var broken *builder.BuildError
	switch {
	case errors.As(e.Err, &broken):
		m.setFailure(report.BuildFailed{Cause: m.cause(changed), Errors: broken.Diagnostics, Current: m.current()}, m.now)
		if len(broken.Temporary) > 0 {
			b.following = true
			m.do(AwaitRemoval{broken.Temporary})
		}
	case e.Err != nil:
		m.setFailure(report.BuildImpossible{Changed: changed, Err: e.Err, Current: m.current()}, m.now)
	case m.isTarget(e.Binary) && !b.force:
		m.rollout.target.edits = b.edits
		m.tell(report.Unchanged{Worker: m.rollout.newest(), Cause: m.cause(changed), Took: e.Binary.Duration, Fixed: m.clearFailure(e.Began)})
		m.refreshPages()
		m.discard(e.Binary)
	default:
		b.force = false
		m.noteInstrumentation(e)
		m.launch(&Program{Binary: e.Binary, Instrumented: e.Instrumentation != "", changed: changed, began: e.Began})
	}
}

func (m *Machine) discard(b *builder.Binary) {
	if b != nil {
		m.do(Discard{b})
	}
}

// takeDirty returns the files that changed since the last build that ended, and forgets them.
func (m *Machine) takeDirty() []string {
	files := slices.Sorted(maps.Keys(m.build.dirty))
	clear(m.build.dirty)
	m.build.edits = m.build.edits.Then(files)
	return files
}

// checkEnded takes the result of a check, and what the go command has built where that differs.
func (m *Machine) checkEnded(e Checked) {
	m.build.verified = cmp.Or(e.Verified, m.build.verified)
	if e.Binary != nil && e.Binary.WrongDelta != nil {
		m.do(DistrustDelta{e.Binary.WrongDelta.Error()})
	}
	switch {
	case e.Binary == nil && e.Err == nil:
	case !m.build.following || e.Seq != m.build.seq || m.build.running: // cancelled
		m.discard(e.Binary)
	case e.Binary != nil && e.Binary.WrongDelta != nil:
		m.handleBuildResult(e.Built, nil)
	default:
		m.tell(report.Warning{Text: "the fast build differed from go build; using go build from now on (as with --direct=off)"})
		m.build.edits = m.build.edits.Then(nil)
		m.handleBuildResult(e.Built, nil)
	}
}

// cancelCheck cancels what follows from the last build.
func (m *Machine) cancelCheck() {
	m.clearTimer(idle)
	if m.build.following {
		m.build.following = false
		m.do(CancelCheck{})
	}
}

// listFiles lists the files that a build reads that began then, after the list that is under way.
func (m *Machine) listFiles(since time.Time) {
	b := &m.build
	if b.listing {
		b.listAgain = since
		return
	}
	b.listing = true
	m.do(List{b.builder, since})
}

// filesListed watches the files that a build reads. Missing files are a reason
// to build, once.
func (m *Machine) filesListed(e Listed) {
	b := &m.build
	b.listing, b.listErr = false, e.Err
	if !b.listAgain.IsZero() {
		m.listFiles(b.listAgain)
		b.listAgain = time.Time{}
	}
	switch {
	case e.Builder != b.builder: // outdated settings
		return
	case e.Err != nil:
		m.tell(report.Warning{Text: e.Err.Error()})
		return
	}
	known := b.graph != nil && slices.Equal(b.missing, e.Missing)
	b.graph, b.missing = e.Graph, e.Missing
	m.do(WatchFiles{e.Graph, e.Began})
	if len(e.Missing) > 0 && !known {
		for _, path := range e.Missing {
			b.dirty[path] = true
		}
		b.pending.Build = true
		m.advance()
	}
}

// compareGraph lists files again after a build for files that changed, if they
// change what a build reads. A list under way may have read their former
// content.
func (m *Machine) compareGraph(files []string, since time.Time) {
	switch b := &m.build; {
	case len(files) == 0:
	case b.graph == nil || b.listing:
		m.listFiles(since)
	default:
		m.do(CompareGraph{b.graph, files, since})
	}
}

// refreshPages reloads open pages for files that the program does not depend
// on.
func (m *Machine) refreshPages() {
	files := m.build.pending.Refresh
	m.build.pending.Refresh = nil
	if len(files) > 0 {
		fixed := m.clearFailureByRules()
		m.tell(report.Refreshed{Cause: m.cause(files), Fixed: fixed})
	}
}

// endTrial decides which of the files the program writes itself. The others
// were edited. What is not certain is built: an edit must be served.
func (m *Machine) endTrial(files []change.File) {
	own, edited, again := m.churn.Judge(m.now, change.Modified(files))
	if len(own) > 0 {
		m.tell(report.OwnWrites{Files: own, Starts: churn.ManyStarts + 1, Ignore: m.ignorable(own)})
	}
	if len(again) > 0 {
		m.noteChanges(change.Among(files, again))
		m.build.pending.Add(change.Work{Build: true, Force: true})
		m.advance()
	}
	if len(edited) > 0 {
		m.filesChanged(Changed{change.Among(files, edited), m.now})
	}
}

// ignorable returns patterns for the files that no compiler reads.
func (m *Machine) ignorable(files []string) []string {
	return slices.DeleteFunc(rules.Relative(m.Dir, files), func(file string) bool { return filepath.Ext(file) == ".go" })
}
