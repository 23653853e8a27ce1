package session

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
)

// buildState is the work that changes call for, and the build under way.
type buildState struct {
	pending   work            // after the rules have run
	dirty     map[string]bool // files that changed since the last build that ended
	postponed bool            // nothing is built before the first change

	seq       int   // of the newest build; the results of others are discarded
	running   bool  // the newest build is under way
	force     bool  // the newest build is started even if the program is the same
	ended     int   // builds that ended
	unchecked built // last result of the fast build
	following bool  // a check of the last build, or a wait for temporary files, is under way

	// While a build runs that must not be cancelled:
	dirtyNext map[string]bool // files that changed
	waiting   bool            // advance when the build has ended

	builder   int            // number of the builder; it counts new settings
	graph     *builder.Graph // files that a build reads; nil: not known yet
	missing   []string       // files that the program needs and that do not exist
	listing   bool
	listAgain time.Time // list again after the list under way, for a build that began then; zero: no
}

// work is what changes call for. Each part includes the parts below it.
type work struct {
	build   bool
	force   bool     // start the program even if it is the same
	restart bool     // start the program, and build it only if there is newer code
	refresh []string // files that only open pages need to load again
}

// add adds other work.
func (w *work) add(other work) {
	w.build, w.force, w.restart = w.build || other.build, w.force || other.force, w.restart || other.restart
	w.refresh = append(w.refresh, other.refresh...)
}

// filesChanged handles a batch of changes.
func (m *machine) filesChanged(e changed) {
	files := m.withoutOwnWrites(e)
	if m.churn.wantsTrial() {
		m.tell(report.SuspectFiles{Files: slices.Sorted(maps.Keys(m.churn.trial)), Starts: manyRounds + 1})
		m.build.pending.restart = true
	} else if len(files) == 0 {
		return
	}
	if m.build.postponed {
		m.build.postponed, m.build.pending.build = false, true
		m.rules.RunAll()
	}
	m.noteChanges(files)
	m.rules.Changed(ruleChanges(files, e.since))
	m.advance()
}

// withoutOwnWrites leaves out the files that the program itself writes.
func (m *machine) withoutOwnWrites(e changed) []file {
	var paths []string
	times := map[string]time.Time{}
	for _, f := range e.files {
		paths = append(paths, f.path)
		times[f.path] = f.modified
	}
	matter := m.churn.changes(paths, e.since, func(path string) time.Time { return times[path] })
	return slices.DeleteFunc(slices.Clone(e.files), func(f file) bool { return !slices.Contains(matter, f.path) })
}

// noteChanges adds the work that changes call for, and the files that the next
// start is because of.
func (m *machine) noteChanges(files []file) {
	var paths []string
	for _, f := range files {
		m.build.pending.add(f.work())
		if f.effect >= effectRestart {
			paths = append(paths, f.path)
		}
	}
	for _, path := range paths {
		m.build.dirty[path] = true
		if m.mustFinish() {
			m.build.dirtyNext[path] = true
		}
	}
	if m.build.running {
		m.churn.changesDuringBuild(paths)
	}
}

// mustFinish reports whether the build under way is left to finish although
// its code is outdated: the builds before it were cancelled.
func (m *machine) mustFinish() bool { return m.build.running && m.churn.holds() }

// advance does the next part of the pending work: the rules, one after the
// other, and if they succeed a build, or else a start of the last binary.
func (m *machine) advance() {
	if m.mustFinish() {
		m.build.waiting = true
		m.reportBusyFiles()
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
	case m.build.pending.build:
		m.startBuild()
	case m.build.pending.restart:
		m.restart()
	case !m.build.running:
		m.refreshPages()
		m.reportRules()
	}
}

// startBuild starts a build. A build under way is cancelled: its code is
// outdated.
func (m *machine) startBuild() {
	b := &m.build
	if b.running {
		m.do(cancelBuild{})
		m.churn.cancels()
	}
	m.cancelCheck()
	b.force = b.force || b.pending.force
	b.pending = work{refresh: b.pending.refresh}
	b.seq++
	b.running = true
	m.do(startBuild{b.seq})
}

// cancelBuild cancels the build under way, and leaves it to be done.
func (m *machine) cancelBuild() {
	b := &m.build
	if !b.running {
		return
	}
	m.do(cancelBuild{})
	m.cancelCheck()
	m.churn.cancels()
	m.endProgress()
	b.seq++
	b.running, b.pending.build = false, true
}

// buildEnded takes the result of a build.
func (m *machine) buildEnded(e built) {
	b := &m.build
	if e.seq != b.seq || !b.running {
		m.discard(e.binary)
		return
	}
	b.running = false
	m.endProgress()
	if b.ended++; b.ended == 1 && e.invalidCommand {
		m.fail(e.err)
		return
	}
	m.churn.finishes()
	dirty := m.takeDirty()
	b.dirty, b.dirtyNext = b.dirtyNext, map[string]bool{}
	if b.ended > 1 {
		m.do(clearScreen{afterBuild: true})
	}
	m.compareGraph(dirty, e.began)
	m.handleBuildResult(e, dirty)
	if e.binary != nil && e.binary.FastBuild {
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
func (m *machine) handleBuildResult(e built, changed []string) {
	b := &m.build
	m.rollout.outdated = e.err != nil
	var broken *builder.BuildError
	switch {
	case errors.As(e.err, &broken):
		m.setFailure(report.BuildFailed{Cause: m.cause(changed), Errors: broken.Diagnostics, Current: m.current()}, m.now)
		if len(broken.Temporary) > 0 {
			b.following = true
			m.do(awaitRemoval{broken.Temporary})
		}
	case e.err != nil:
		m.setFailure(report.BuildImpossible{Changed: changed, Err: e.err, Current: m.current()}, m.now)
	case m.isTarget(e.binary) && !b.force:
		m.tell(report.Unchanged{Worker: m.rollout.newest(), Cause: m.cause(changed), Took: e.binary.Duration, Fixed: m.clearFailure(e.began)})
		m.refreshPages()
		m.discard(e.binary)
	default:
		b.force = false
		m.noteInstrumentation(e)
		m.launch(&program{binary: e.binary, instrumented: e.instrumentation != "", changed: changed, began: e.began})
	}
}

// discard removes a binary that is not started.
func (m *machine) discard(b *builder.Binary) {
	if b != nil {
		m.do(discard{b})
	}
}

// takeDirty returns the files that changed since the last build that ended,
// and forgets them.
func (m *machine) takeDirty() []string {
	files := slices.Sorted(maps.Keys(m.build.dirty))
	clear(m.build.dirty)
	return files
}

// checkEnded takes the result of a check: the program is what the go command
// builds.
func (m *machine) checkEnded(e built) {
	switch {
	case e.binary == nil && e.err == nil:
	case e.seq != m.build.seq || m.build.running:
		m.discard(e.binary)
	default:
		m.tell(report.Warning{Text: "the fast build differed from go build; using go build from now on (as with --direct=off)"})
		m.handleBuildResult(e, nil)
	}
}

// startCheck has the go command build the program that the fast build has
// made.
func (m *machine) startCheck() {
	m.build.following = true
	m.do(startCheck{m.build.unchecked})
}

// cancelCheck cancels what follows from the last build.
func (m *machine) cancelCheck() {
	m.clearTimer(idle)
	if m.build.following {
		m.build.following = false
		m.do(cancelCheck{})
	}
}

// listFiles lists the files that a build reads that began then, after the list
// that is under way.
func (m *machine) listFiles(since time.Time) {
	b := &m.build
	if b.listing {
		b.listAgain = since
		return
	}
	b.listing = true
	m.do(list{b.builder, since})
}

// filesListed watches the files that a build reads. Missing files are a reason
// to build, once.
func (m *machine) filesListed(e listed) {
	b := &m.build
	b.listing = false
	if !b.listAgain.IsZero() {
		m.listFiles(b.listAgain)
		b.listAgain = time.Time{}
	}
	switch {
	case e.builder != b.builder: // outdated settings
		return
	case e.err != nil:
		m.tell(report.Warning{Text: e.err.Error()})
		return
	}
	known := b.graph != nil && slices.Equal(b.missing, e.missing)
	b.graph, b.missing = e.graph, e.missing
	m.do(watchFiles{e.graph, e.began})
	if len(e.missing) > 0 && !known {
		for _, path := range e.missing {
			b.dirty[path] = true
		}
		b.pending.build = true
		m.advance()
	}
}

// compareGraph lists files again after a build for files that changed, if they
// change what a build reads. A list under way may have read their former
// content.
func (m *machine) compareGraph(files []string, since time.Time) {
	switch b := &m.build; {
	case len(files) == 0:
	case b.graph == nil || b.listing:
		m.listFiles(since)
	default:
		m.do(compareGraph{b.graph, files, since})
	}
}

// buildProgressed shows how far the build has come.
func (m *machine) buildProgressed(e progressed) {
	if m.build.running {
		m.showProgress(report.Progress{Progress: e.Progress})
	}
}

// refreshPages reloads open pages for files that the program does not depend
// on.
func (m *machine) refreshPages() {
	files := m.build.pending.refresh
	m.build.pending.refresh = nil
	if len(files) > 0 {
		fixed := m.clearFailureByRules()
		m.tell(report.Refreshed{Cause: m.cause(files), Fixed: fixed})
	}
}

// reportBusyFiles names, once, files that change faster than the program is
// built.
func (m *machine) reportBusyFiles() {
	if files := m.churn.busy(); len(files) > 0 {
		m.tell(report.BusyFiles{Files: files, Builds: maxCancelled + 1, Ignore: m.ignorable(files)})
	}
}

// inspectTrial asks for the files that the program may write itself.
func (m *machine) inspectTrial() {
	if m.rollout.starting.PID == 0 && m.churn.trialEnded(m.now) {
		m.do(inspect{slices.Sorted(maps.Keys(m.churn.trial))})
	}
}

// endTrial decides which of the files the program writes itself. The others
// were edited.
func (m *machine) endTrial(files []file) {
	times := map[string]time.Time{}
	for _, f := range files {
		times[f.path] = f.modified
	}
	own, edited := m.churn.judge(m.now, func(path string) time.Time { return times[path] })
	if len(own) > 0 {
		m.tell(report.OwnWrites{Files: own, Starts: manyRounds + 1, Ignore: m.ignorable(own)})
	}
	files = slices.DeleteFunc(files, func(f file) bool { return !slices.Contains(edited, f.path) })
	if len(files) > 0 {
		m.filesChanged(changed{files, m.now})
	}
}

// ignorable returns patterns for the files that no compiler reads.
func (m *machine) ignorable(files []string) []string {
	return slices.DeleteFunc(rules.Relative(m.dir, files), func(file string) bool { return filepath.Ext(file) == ".go" })
}
