package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/watcher"
)

// watch joins the packages: what the watcher sees, the builder builds; what
// the builder has built, the starter starts. Its fields belong to loop.
type watch struct {
	o        session.Options
	screen   *term.Screen
	pages    *report.Pages
	alerts   *report.Alerts
	builder  *builder.Builder
	watcher  *watcher.Watcher
	starter  *starter.Starter
	chosen   chosen
	rules    rules.Engine
	live     *live    // nil: the settings never change
	stdin    *os.File // of the program
	terminal term.ControllingTTY
	mark     string // in the environment of every process
	scratch  string // a folder that goes with hotstart
	streams  *term.Streams
	console
	narration

	builds   chan built            // one from each build
	checks   chan built            // what the go command makes of one
	graphs   chan listed           // one from each list
	passed   chan struct{}         // temporary files that broke a build are gone
	progress chan builder.Progress // the latest
	errands  chan ran              // one from each run of a rule
	events   chan starter.Event    // from the starter
	signals  chan os.Signal
	ended    context.Context // done when the loop is over
	running  sync.WaitGroup  // the goroutines of builds and lists

	churn    churn
	tried    <-chan time.Time   // the start that shows who writes a file may be over
	changed  map[string]bool    // since the last build that came to an end
	later    map[string]bool    // those of changed that came while a build ran that must be finished
	waits    bool               // proceed after that build
	due      plan               // what they call for, once the rules have run
	forced   bool               // reload even if the binary is the same
	number   int                // of the newest build
	finished int                // builds that came to an end
	behind   bool               // code that is newer than that of target does not build or start
	cancel   context.CancelFunc // ends the build under way; nil: none is
	uncheck  context.CancelFunc // ends the check of the last one; nil: there was none
	endAfter context.CancelFunc // ends the commands that follow a start
	endRun   context.CancelFunc // ends the rule that runs
	graph    *builder.Graph     // nil: not known yet
	listing  bool
	relist   time.Time // a list of what began then is due after the one under way

	attempts map[*starter.Command]*attempt // those whose binary may still be needed
	target   *attempt                      // the newest that has not failed
	current  *attempt                      // the one that serves, or did last
	good     *attempt                      // the one that the starter returns to if a newer one dies early
	worker   starter.Worker                // the worker that serves; zero: none does
	starting starter.Worker                // the worker that is to serve next; zero: none is
	slow     <-chan time.Time              // a start takes so long that it needs a word
	slowRule <-chan time.Time              // so does the rule that runs
	hinted   bool                          // --overlap was named
	adopted  string                        // what was told of how the program is adopted

	stopping bool
	repeated cli.SignalFilter
	cut      syscall.Signal // the second signal, which cut the end short
	exited   *cli.Error     // the program has ended, and with --exit that is all
	killed   starter.Worker // a worker that did not leave when it was told to
}

// loop runs until a signal has ended the program, or hotstart can't go on.
// served carries the end of the starter, unwatched that of the watcher.
func (w *watch) loop(served, unwatched <-chan error) error {
	if err := w.begin(); err != nil {
		return err
	}
	batches, lost := w.watcher.Batches(), w.terminal.Lost()
	for {
		var err error
		select {
		case batch, ok := <-batches:
			if !ok {
				batches = nil
				break
			}
			w.edited(batch)
		case p := <-w.progress:
			w.emit(report.Progress{Progress: p})
		case b := <-w.builds:
			err = w.built(b)
		case r := <-w.errands:
			w.ran(r)
		case b := <-w.checks:
			w.checked(b)
		case l := <-w.graphs:
			err = w.listed(l)
		case <-w.passed:
			w.due.build = true
			w.proceed()
		case e := <-w.events:
			w.happened(e)
		case sig := <-w.signals:
			if !w.repeated.Duplicate(sig, time.Now()) {
				w.signaled(sig.(syscall.Signal))
			}
		case <-lost:
			lost = nil
			w.leave()
		case <-w.children:
			w.lookForStopped()
		case <-w.slow:
			w.emit(w.slowStart())
		case <-w.tried:
			w.judge()
		case <-w.slowRule:
			w.emit(report.RuleRunning{Rule: w.rules.Running().Title()})
		case keys, ok := <-w.pressed:
			w.press(keys, ok)
		case <-w.suspended:
			w.suspend()
		case <-w.aborted:
			w.abort()
		case <-w.continued:
			w.resume()
		case <-w.resized:
			w.resize()
		case err = <-unwatched:
		case err := <-served:
			return w.ending(err)
		}
		if err != nil {
			return err
		}
	}
}

// ending is what the end of the starter means: it was asked to stop, as a
// rule, and has.
func (w *watch) ending(err error) error {
	switch {
	case w.cut != 0:
		return cli.Signaled(w.cut)
	case w.exited != nil:
		return w.exited
	case err == nil && w.killed.PID != 0:
		return fmt.Errorf("%v had to be killed", w.killed)
	}
	return err
}

// begin tells the user, runs the rules, and then builds. Edits made meanwhile
// are seen.
func (w *watch) begin() error {
	since := time.Now() // who reads that a first change is waited for may make it at once
	if w.o.Postpone {
		w.emit(report.Postponed{Package: w.builder.Package()})
	} else {
		if w.o.Welcome != "" {
			w.emit(report.Note{Text: w.o.Welcome})
		}
		w.emit(report.Building{Package: w.builder.Package(), Addresses: w.addresses, Keys: w.pressed != nil})
	}
	if server := w.pages.Server; server != nil {
		w.emit(report.ScriptReady{URL: server.URL()})
	}
	if !w.rules.Empty() {
		if err := w.watcher.Watch(files(&builder.Graph{}, w.chosen), since); err != nil {
			return err
		}
	}
	if w.o.Postpone {
		w.list(since)
		return nil
	}
	w.due.build = true
	w.rules.RunAll()
	w.proceed()
	return nil
}

// edited does what a batch of changes calls for.
func (w *watch) edited(batch watcher.Batch) {
	rest := slices.DeleteFunc(slices.Clone(batch.Paths), w.chosen.settings.Watched)
	if len(rest) < len(batch.Paths) {
		w.reconfigure()
	}
	batch.Paths = w.churn.changes(rest, batch.Since, modified)
	if w.churn.wantsTrial() {
		w.emit(report.SuspectFiles{Files: slices.Sorted(maps.Keys(w.churn.trial)), Starts: manyRounds + 1})
		w.due.restart = true
	} else if len(batch.Paths) == 0 {
		return
	}
	if w.o.Postpone { // this is what was waited for
		w.o.Postpone, w.due.build = false, true
		w.rules.RunAll()
	}
	p, matter := w.chosen.plan(w.graph, batch.Paths)
	for _, path := range matter {
		w.changed[path] = true
		if w.held() {
			w.later[path] = true
		}
	}
	if w.cancel != nil {
		w.churn.changesDuringBuild(matter)
	}
	w.due.add(p)
	if !w.rules.Empty() {
		w.rules.Changed(w.chosen.changes(w.graph, batch))
	}
	w.proceed()
}

// judge ends a trial of files that may be the program's own.
func (w *watch) judge() {
	w.tried = nil
	if w.starting.PID != 0 || w.stopping {
		return // it comes again after that
	}
	now := time.Now()
	own, edited := w.churn.judge(now, modified)
	if len(own) > 0 {
		w.emit(report.OwnWrites{Files: own, Starts: manyRounds + 1, Ignore: w.ignorable(own)})
	}
	if len(edited) > 0 {
		w.edited(watcher.Batch{Paths: edited, Since: now})
	}
}

// proceed does what is due: first the rules, one after the other, and if
// none has failed, a build, or else a new start of what was built.
func (w *watch) proceed() {
	if w.stopping {
		return
	}
	if w.held() {
		w.waits = true
		if busy := w.churn.busy(); len(busy) > 0 {
			w.emit(report.BusyFiles{Files: busy, Builds: maxCancelled + 1, Ignore: w.ignorable(busy)})
		}
		return
	}
	w.runRules()
	if w.rules.Busy() {
		w.putOff()
		return
	}
	if w.graph == nil && !w.listing {
		w.list(time.Now())
	}
	switch {
	case w.rules.Failed():
		w.refresh()
	case w.due.build:
		w.build()
	case w.due.restart:
		w.restart()
	case w.cancel == nil:
		w.refresh()
		w.endRules()
	}
}

// endRules reports rules that have run and that led to nothing else.
func (w *watch) endRules() {
	if fixed := w.rulesFix; len(w.ruleRuns) > 0 {
		w.emit(report.RulesDone{Rules: w.cause(nil).Rules, Fixed: fixed})
	}
}

// ignorable returns the files that --ignore could exclude, as patterns: those that no
// compiler reads.
func (w *watch) ignorable(files []string) []string {
	return slices.DeleteFunc(rules.Relative(w.o.Dir, files), func(file string) bool { return filepath.Ext(file) == ".go" })
}

// slowStart says what a start waits for. Where an old worker serves, the new one must
// serve all of its addresses.
func (w *watch) slowStart() report.SlowStart {
	s := report.SlowStart{ReadyTimeout: w.o.ReadyTimeout}
	if w.worker.PID != 0 {
		s.ServeTimeout = w.o.ServeTimeout
	}
	return s
}

// held reports whether a build is under way that must be finished.
func (w *watch) held() bool { return w.cancel != nil && w.churn.holds() }

// refresh has the browser load what has changed and is not the program's.
func (w *watch) refresh() {
	if files := w.due.refresh; len(files) > 0 {
		fixed := w.rulesFix
		w.emit(report.Refreshed{Cause: w.cause(files), Fixed: fixed})
	}
	w.due.refresh = nil
}

// putOff ends the build that is under way: it is of code that is out of date
// once the rules have run.
func (w *watch) putOff() {
	if w.cancel != nil {
		w.cancel()
		w.cancel = nil
		w.churn.cancels()
		w.number++
		w.due.build = true
	}
}

// restart starts the newest binary again, or one that is not built yet.
func (w *watch) restart() {
	if w.cancel != nil {
		w.forced, w.due.restart = true, false
		return
	}
	if w.target == nil || w.behind {
		w.due.anew = true
		w.build()
		return
	}
	w.due = plan{refresh: w.due.refresh}
	w.start(&attempt{binary: w.target.binary, adopted: w.target.adopted, changed: w.takeChanged(), began: w.target.began, again: true})
}

// takeChanged returns what has changed, which then has not any more.
func (w *watch) takeChanged() []string {
	changed := slices.Sorted(maps.Keys(w.changed))
	clear(w.changed)
	return changed
}

// signaled reloads at HUP. Any other signal ends the program and then
// hotstart, and a second one at once.
func (w *watch) signaled(sig syscall.Signal) {
	switch {
	case sig == syscall.SIGHUP && w.terminal.Gone():
		w.leave()
		return
	case sig == syscall.SIGHUP:
		w.reload("received HUP; building and reloading")
		return
	}
	if w.stopping {
		w.cut = sig
	} else {
		w.emit(report.Stopping{Signal: sig, Worker: w.worker})
	}
	w.stop()
}

// leave is SIGTERM when nobody is there any more to press a key. More than one thing
// may tell of that.
func (w *watch) leave() {
	if !w.stopping {
		w.signaled(syscall.SIGTERM)
	}
}

// stop ends what is under way, and the workers; a second time at once.
func (w *watch) stop() {
	w.stopping, w.slow = true, nil
	for _, end := range []context.CancelFunc{w.cancel, w.endRun, w.endAfter} {
		if end != nil {
			end()
		}
	}
	w.starter.Signal(syscall.SIGTERM) // to them it is that of --stop-signal
	if slices.ContainsFunc(w.halted, isStopped) {
		w.starter.Signal(syscall.SIGTERM) // it can't finish
	}
}

// reload runs the rules, builds and reloads even if nothing has changed.
func (w *watch) reload(why string) {
	if w.stopping {
		return
	}
	w.emit(report.Note{Text: why})
	w.o.Postpone = false
	w.due.add(plan{build: true, anew: true})
	w.rules.RunAll()
	w.list(time.Now())
	w.proceed()
}
