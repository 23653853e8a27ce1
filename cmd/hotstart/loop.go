package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/watcher"
)

// watch joins the packages: what the watcher sees, the builder builds; what
// the builder has built, the starter starts. Its fields belong to loop.
type watch struct {
	o        watchOptions
	ui       *watchUI
	builder  *builder.Builder
	watcher  *watcher.Watcher
	starter  *starter.Starter
	chosen   chosen
	rules    rules
	live     *live    // nil: the settings never change
	stdin    *os.File // of the program
	terminal terminal
	mark     string // in the environment of every process
	scratch  string // a folder that goes with hotstart
	streams  *streams
	console

	builds   chan built            // one from each build
	checks   chan built            // what the go command makes of one
	graphs   chan listed           // one from each list
	progress chan builder.Progress // the latest
	errands  chan ran              // one from each run of a rule
	events   chan starter.Event    // from the starter
	signals  chan os.Signal
	ended    context.Context // done when the loop is over
	running  sync.WaitGroup  // the goroutines of builds and lists

	changed  map[string]bool    // since the last build that came to an end
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
	worker   starter.Worker                // the worker that serves; zero: none does
	starting starter.Worker                // the worker that is to serve next; zero: none is
	slow     <-chan time.Time              // a start takes so long that it needs a word
	adopted  bool                          // it was told how the program is adopted

	stopping bool
	cut      syscall.Signal // the second signal, which cut the end short
	exited   *endedError    // the program has ended, and with --exit that is all
	killed   starter.Worker // a worker that did not leave when it was told to
}

// attempt is one binary that was given to the starter.
type attempt struct {
	command *starter.Command
	binary  *builder.Binary
	outputs []*output // what its workers write
	input   *os.File  // where to write what they shall read; nil: nothing
	changed []string
	began   time.Time // when its build did: it is the code of then
	again   bool      // the binary has been started before
}

// built is how a build came out.
type built struct {
	number int
	began  time.Time
	binary *builder.Binary
	err    error
}

// listed is what a build reads that began then.
type listed struct {
	by    *builder.Builder
	began time.Time
	graph *builder.Graph
	err   error
}

// slowStart is when a person starts to wonder.
const slowStart = 3 * time.Second

// loop runs until a signal has ended the program, or hotstart can't go on.
// served carries the end of the starter, unwatched that of the watcher.
func (w *watch) loop(served, unwatched <-chan error) error {
	if w.o.postpone {
		w.ui.postponed(w.builder.Package())
	} else {
		w.ui.building(w.o.welcome, w.builder.Package())
	}
	w.ui.script()
	if err := w.begin(); err != nil {
		return err
	}
	batches := w.watcher.Batches()
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
			w.ui.progress(p)
		case b := <-w.builds:
			err = w.built(b)
		case r := <-w.errands:
			w.ran(r)
		case b := <-w.checks:
			w.checked(b)
		case l := <-w.graphs:
			err = w.listed(l)
		case e := <-w.events:
			w.happened(e)
		case sig := <-w.signals:
			w.signaled(sig.(syscall.Signal))
		case <-w.slow:
			w.ui.slow(w.o)
		case typed, ok := <-w.typed:
			w.entered(typed, ok)
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
		return &signalError{w.cut}
	case w.exited != nil:
		return w.exited
	case err == nil && w.killed.PID != 0:
		return fmt.Errorf("%v had to be killed", w.killed)
	}
	return err
}

// begin runs the rules, and then builds. Edits made meanwhile are seen.
func (w *watch) begin() error {
	if len(w.rules.all) > 0 {
		if err := w.watcher.Watch(files(&builder.Graph{}, w.chosen), time.Time{}); err != nil {
			return err
		}
	}
	if w.o.postpone {
		w.list(time.Now())
		return nil
	}
	w.due.build = true
	w.rules.anew()
	w.proceed()
	return nil
}

// edited does what a batch of changes calls for.
func (w *watch) edited(batch watcher.Batch) {
	rest := slices.DeleteFunc(slices.Clone(batch.Paths), w.chosen.settings.Watched)
	if len(rest) < len(batch.Paths) {
		w.reconfigure()
	}
	if batch.Paths = rest; len(rest) == 0 {
		return
	}
	if w.o.postpone { // this is what was waited for
		w.o.postpone, w.due.build = false, true
		w.rules.anew()
	}
	p, matter := w.chosen.plan(w.graph, batch.Paths)
	for _, path := range matter {
		w.changed[path] = true
	}
	w.due.add(p)
	if len(w.rules.all) > 0 {
		w.rules.changed(w.chosen.changes(w.graph, batch))
	}
	w.proceed()
}

// proceed does what is due: first the rules, one after the other, and if
// none has failed, a build, or else a new start of what was built.
func (w *watch) proceed() {
	if w.stopping {
		return
	}
	w.runRules()
	if w.rules.busy() {
		w.putOff()
		return
	}
	if w.graph == nil && !w.listing {
		w.list(time.Now())
	}
	switch {
	case w.rules.failed():
		w.refresh()
	case w.due.build:
		w.build()
	case w.due.restart:
		w.restart()
	case w.cancel == nil:
		w.refresh()
		w.ui.nothingFollows()
	}
}

// refresh has the browser load what has changed and is not the program's.
func (w *watch) refresh() {
	w.ui.refreshed(w.due.refresh)
	w.due.refresh = nil
}

// putOff ends the build that is under way: it is of code that is out of date
// once the rules have run.
func (w *watch) putOff() {
	if w.cancel != nil {
		w.cancel()
		w.cancel = nil
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
	w.start(&attempt{binary: w.target.binary, changed: w.takeChanged(), began: w.target.began, again: true})
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
	case sig == syscall.SIGHUP && w.terminal.gone():
		sig = syscall.SIGTERM // nobody is there any more to press a key
	case sig == syscall.SIGHUP:
		w.reload("received HUP; building and reloading")
		return
	}
	if w.stopping {
		w.cut = sig
	} else {
		w.ui.stopping(sig, w.worker)
	}
	w.stop()
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
}

// reload runs the rules, builds and reloads even if nothing has changed.
func (w *watch) reload(why string) {
	if w.stopping {
		return
	}
	w.ui.say("%s", why)
	w.o.postpone = false
	w.due.add(plan{build: true, anew: true})
	w.rules.anew()
	w.list(time.Now())
	w.proceed()
}

// build starts a build. One that is under way is of code that is out of
// date: it is cancelled.
func (w *watch) build() {
	if w.cancel != nil {
		w.cancel()
	}
	if w.uncheck != nil {
		w.uncheck()
	}
	w.ui.pages.working()
	w.forced = w.forced || w.due.anew
	w.due = plan{refresh: w.due.refresh}
	ctx, cancel := context.WithCancel(w.ended)
	w.cancel = cancel
	w.number++
	b, by := built{number: w.number, began: time.Now()}, w.builder
	w.running.Go(func() {
		b.binary, b.err = by.Build(ctx)
		select {
		case w.builds <- b:
		case <-w.ended.Done():
			discard(b.binary)
		}
	})
}

// list asks what the build reads that began then, after the list that is
// under way.
func (w *watch) list(began time.Time) {
	if w.listing {
		w.relist = began
		return
	}
	w.listing = true
	by := w.builder
	w.running.Go(func() {
		graph, err := by.List(w.ended)
		select {
		case w.graphs <- listed{by, began, graph, err}:
		case <-w.ended.Done():
		}
	})
}

// listed has the watcher watch what the build reads, and what the user
// named. A file that is new there and newer than the build counts as changed.
func (w *watch) listed(l listed) error {
	w.listing = false
	if !w.relist.IsZero() {
		w.list(w.relist)
		w.relist = time.Time{}
	}
	if l.by != w.builder {
		return nil // of the settings of before
	}
	if l.err != nil {
		w.ui.warn("%v", l.err)
		return nil
	}
	w.graph = l.graph
	if len(l.graph.Gone) > 0 {
		for _, file := range l.graph.Gone {
			w.changed[file] = true
		}
		w.due.build = true
		w.proceed()
	}
	return w.watcher.Watch(files(l.graph, w.chosen), l.began)
}

// built hands a new binary to the starter, unless it is what runs already.
func (w *watch) built(b built) error {
	if b.number != w.number || w.stopping {
		discard(b.binary)
		return nil
	}
	w.cancel()
	w.cancel = nil
	w.ui.progressed(w.standing())
	if w.finished++; w.finished == 1 && isUsage(b.err) {
		return b.err
	}
	changed := w.takeChanged()
	if w.finished > 1 {
		w.o.display.fresh(w.ui.screen)
	}
	// A list that is under way may have read what was there before.
	if len(changed) > 0 && (w.graph == nil || w.listing || w.graph.Outdated(changed)) {
		w.list(b.began)
	}
	w.came(b, changed)
	w.check(b)
	return nil
}

// calm is how long nothing must be built before the machine is free for a check.
const calm = time.Second

// check has the go command build what was built without it, until the next build.
func (w *watch) check(b built) {
	if b.binary == nil || !b.binary.Direct {
		return
	}
	ctx, cancel := context.WithCancel(w.ended)
	w.uncheck = cancel
	by := w.builder
	w.running.Go(func() {
		select {
		case <-time.After(calm):
		case <-ctx.Done():
			return
		}
		b.binary, b.err = by.Check(ctx, b.binary)
		select {
		case w.checks <- b:
		case <-w.ended.Done():
			discard(b.binary)
		}
	})
}

// checked takes what the go command has made of a build, if that is something else.
func (w *watch) checked(b built) {
	switch {
	case b.binary == nil && b.err == nil:
	case b.number != w.number || w.stopping:
		discard(b.binary)
	default:
		w.ui.warn("the go command makes something else of that; from now on it builds all, as with --direct=off")
		w.came(b, nil)
	}
}

// came goes on with what a build came to.
func (w *watch) came(b built, changed []string) {
	w.behind = b.err != nil
	var broken *builder.BuildError
	switch {
	case errors.As(b.err, &broken):
		w.ui.buildFailed(changed, broken, w.standing())
	case b.err != nil:
		w.ui.buildImpossible(changed, b.err, w.standing())
	case w.runs(b.binary) && !w.forced:
		w.ui.unchanged(changed, b.binary.Took, w.newest())
		w.refresh()
		discard(b.binary)
	default:
		w.forced = false
		w.start(&attempt{binary: b.binary, changed: changed, began: b.began})
	}
}

// runs reports whether a binary is that of the newest worker.
func (w *watch) runs(b *builder.Binary) bool {
	return w.target != nil && w.target.binary.Same(b)
}

// start gives the starter a new program to run.
func (w *watch) start(a *attempt) {
	env, err := w.environ()
	if err != nil {
		w.behind = true
		w.ui.noVariables(a.changed, err, w.standing())
		w.drop(a)
		return
	}
	a.command = &starter.Command{
		Path: a.binary.Path,
		Args: append([]string{a.binary.Path}, w.o.args...),
		Dir:  w.o.dir,
		Env:  env,
	}
	if a.outputs, err = w.streams.connect(a.command); err != nil {
		w.ui.warn("the program writes by itself: %v", err)
	}
	if err := w.connectInput(a); err != nil {
		w.ui.warn("the program reads nothing: %v", err)
	}
	if w.o.adopt != adoptOff && !w.adopted {
		w.adopted = true
		w.ui.adopted(w.builder.Adopted())
	}
	w.attempts[a.command], w.target = a, a
	w.starter.Reload(a.command)
}

// newest is the worker that runs the newest code.
func (w *watch) newest() starter.Worker {
	if w.starting.PID != 0 {
		return w.starting
	}
	return w.worker
}

// happened follows what the starter does, and tells the user what is news.
func (w *watch) happened(e starter.Event) {
	a := w.attempts[e.Worker.Command]
	w.streams.flush()
	switch e.Kind {
	case starter.Starting:
		w.starting, w.slow = e.Worker, time.After(slowStart)
	case starter.Serving:
		w.serves(e, a)
	case starter.Died:
		w.worker = starter.Worker{}
		w.exits(e)
		w.ui.died(e, w.lastWords(e, a), w.stopping, w.starting)
	case starter.Done:
		w.done(e, a)
		w.exits(e)
	case starter.GaveUp:
		if e.Failures > 1 {
			w.behind = true // so that --restart builds
			w.ui.gaveUp(e)
		}
	case starter.Failed, starter.TimedOut:
		w.failed(e, a)
		w.exits(e)
	case starter.Kept:
		w.ui.kept(e)
	case starter.Left:
		w.ui.left(e)
	case starter.Killing:
		w.ui.trouble(e)
		if w.stopping {
			w.killed = e.Worker
		}
	case starter.Overdue, starter.Refused, starter.Deafened:
		w.ui.trouble(e)
	case starter.Unused:
		w.ui.unused(e)
	}
	w.ui.remind(w.standing())
}

// serves notes a worker that has become the current one.
func (w *watch) serves(e starter.Event, a *attempt) {
	w.ui.serving(e, a, a == w.current)
	w.reloadPages(e)
	w.worker, w.current = e.Worker, a
	w.input.send(a.input)
	w.starting, w.slow = starter.Worker{}, nil
	if w.target == nil {
		w.target = a
	}
	w.tidy()
	w.runAfter()
}

// done notes a worker that has ended as it should.
func (w *watch) done(e starter.Event, a *attempt) {
	w.worker, w.starting, w.slow = starter.Worker{}, starter.Worker{}, nil
	w.current = a
	w.ui.done(e, a)
	w.tidy()
}

// exits ends hotstart with the program, if that is what is asked for.
func (w *watch) exits(e starter.Event) {
	if !w.o.exit || w.stopping || w.newest().PID != 0 || e.Kind == starter.TimedOut {
		return
	}
	w.exited = &endedError{exitStatus(e)}
	w.stop()
}

// exitStatus is what a shell would make of a worker's end.
func exitStatus(e starter.Event) int {
	switch {
	case e.Err != nil:
		return exitFailure
	case e.Status.Signaled():
		return 128 + int(e.Status.Signal())
	}
	return e.Status.ExitStatus()
}

// reloadPages has the browser load again what an older worker may have
// answered. All that waited for the first one came from that.
func (w *watch) reloadPages(e starter.Event) {
	since := time.Now()
	if w.worker.PID == 0 {
		since = since.Add(-e.After)
	}
	w.ui.pages.serves(since)
	w.due.refresh = nil
}

// failed notes a worker that has not come to serve. If it was the newest
// code, that is what serves, or nothing.
func (w *watch) failed(e starter.Event, a *attempt) {
	if e.Worker == w.starting {
		w.starting, w.slow = starter.Worker{}, nil
	}
	if a == w.target {
		w.target, w.behind = nil, true
		if w.worker.PID != 0 {
			w.target = w.current
		}
	}
	standing := w.standing()
	if w.newest().PID == 0 && w.current != nil && w.current != a && !w.stopping {
		standing = "back to the code of " + clock(w.current.began)
	}
	w.ui.startFailed(e, a, w.lastWords(e, a), standing)
	w.tidy()
}

// standing says what serves, while newer code does not.
func (w *watch) standing() string {
	switch {
	case w.worker.PID != 0:
		return w.ui.goesOn(w.worker, w.current.began)
	case w.starting.PID != 0:
		return fmt.Sprintf("worker %d is starting", w.starting.Generation)
	case w.stopping:
		return "stopping"
	}
	return "no worker runs; waiting for a change"
}

// tidy removes the binaries that no worker will be started from again.
func (w *watch) tidy() {
	for command, a := range w.attempts {
		if a != w.target && a != w.current {
			delete(w.attempts, command)
			w.drop(a)
		}
	}
}

// drop lets go of what no worker will be started from again. The binary may
// be another attempt's, too.
func (w *watch) drop(dropped *attempt) {
	for _, o := range dropped.outputs {
		o.close()
	}
	if dropped.input != nil && w.keyboard == nil {
		dropped.input.Close()
		dropped.command.Stdin.Close()
	}
	for _, a := range w.attempts {
		if a.binary == dropped.binary {
			return
		}
	}
	discard(dropped.binary)
}

func discard(b *builder.Binary) {
	if b != nil {
		b.Remove()
	}
}
