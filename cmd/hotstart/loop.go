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
	patterns *watcher.Patterns
	stdin    *os.File // of the program
	terminal terminal

	builds  chan built         // one from each build
	graphs  chan listed        // one from each list
	events  chan starter.Event // from the starter
	signals chan os.Signal
	ended   context.Context // done when the loop is over
	running sync.WaitGroup  // the goroutines of builds and lists

	changed map[string]bool // since the last build that came to an end
	forced  bool            // reload even if the binary is the same
	number  int             // of the newest build
	cancel  context.CancelFunc
	graph   *builder.Graph // nil: not known yet
	listing bool
	relist  time.Time // a list of what began then is due after the one under way

	attempts map[*starter.Command]*attempt // those whose binary may still be needed
	target   *attempt                      // the newest that has not failed
	current  *attempt                      // the one that serves, or did last
	worker   starter.Worker                // the worker that serves; zero: none does
	starting starter.Worker                // the worker that is to serve next; zero: none is
	slow     <-chan time.Time              // a start takes so long that it needs a word
	adopted  bool                          // it was told how the program is adopted

	stopping bool
	cut      syscall.Signal // the second signal, which cut the end short
	killed   starter.Worker // a worker that did not leave when it was told to
}

// attempt is one binary that was given to the starter.
type attempt struct {
	command *starter.Command
	binary  *builder.Binary
	changed []string
	began   time.Time // when its build did: it is the code of then
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
	began time.Time
	graph *builder.Graph
	err   error
}

// slowStart is when a person starts to wonder.
const slowStart = 3 * time.Second

// loop runs until a signal has ended the program, or hotstart can't go on.
// served carries the end of the starter, unwatched that of the watcher.
func (w *watch) loop(served, unwatched <-chan error) error {
	w.ui.building(w.o.welcome, w.builder.Package())
	w.build()
	w.list(time.Now())
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
		case b := <-w.builds:
			err = w.built(b)
		case l := <-w.graphs:
			err = w.listed(l)
		case e := <-w.events:
			w.happened(e)
		case sig := <-w.signals:
			w.signaled(sig.(syscall.Signal))
		case <-w.slow:
			w.ui.slow(w.o)
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
	case err == nil && w.killed.PID != 0:
		return fmt.Errorf("%v had to be killed", w.killed)
	}
	return err
}

// edited starts a build of what has changed.
func (w *watch) edited(batch watcher.Batch) {
	for _, path := range batch.Paths {
		w.changed[path] = true
		if w.graph == nil || !w.graph.Match(path) {
			w.forced = true // the binary does not tell: the user named it by --watch
		}
	}
	w.build()
}

// signaled reloads at HUP. Any other signal ends the program and then
// hotstart, and a second one at once.
func (w *watch) signaled(sig syscall.Signal) {
	switch {
	case sig == syscall.SIGHUP && w.terminal.gone():
		sig = syscall.SIGTERM // nobody is there any more to press a key
	case sig == syscall.SIGHUP:
		w.reload()
		return
	}
	if w.stopping {
		w.cut = sig
	} else {
		w.ui.stopping(sig, w.worker)
	}
	w.stopping, w.slow = true, nil
	w.cancel()
	w.starter.Signal(sig)
}

// reload builds and reloads even if nothing has changed.
func (w *watch) reload() {
	if w.stopping {
		return
	}
	w.ui.say("received HUP; building and reloading")
	w.forced = true
	w.build()
	w.list(time.Now())
}

// build starts a build. One that is under way is of code that is out of
// date: it is cancelled.
func (w *watch) build() {
	if w.stopping {
		return
	}
	if w.cancel != nil {
		w.cancel()
	}
	ctx, cancel := context.WithCancel(w.ended)
	w.cancel = cancel
	w.number++
	b := built{number: w.number, began: time.Now()}
	w.running.Go(func() {
		b.binary, b.err = w.builder.Build(ctx)
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
	w.running.Go(func() {
		graph, err := w.builder.List(w.ended)
		select {
		case w.graphs <- listed{began, graph, err}:
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
	if l.err != nil {
		w.ui.warn("%v", l.err)
		return nil
	}
	w.graph = l.graph
	if len(l.graph.Gone) > 0 {
		for _, file := range l.graph.Gone {
			w.changed[file] = true
		}
		w.build()
	}
	return w.watcher.Watch(files(l.graph, w.patterns), l.began)
}

// built hands a new binary to the starter, unless it is what runs already.
func (w *watch) built(b built) error {
	if b.number != w.number || w.stopping {
		discard(b.binary)
		return nil
	}
	if b.number == 1 && isUsage(b.err) {
		return b.err
	}
	changed := slices.Sorted(maps.Keys(w.changed))
	clear(w.changed)
	if b.number > 1 {
		w.o.display.fresh(w.ui.screen)
	}
	// A list that is under way may have read what was there before.
	if len(changed) > 0 && (w.graph == nil || w.listing || w.graph.Outdated(changed)) {
		w.list(b.began)
	}
	var broken *builder.BuildError
	switch {
	case errors.As(b.err, &broken):
		w.ui.buildFailed(changed, broken, w.standing())
	case b.err != nil:
		w.ui.buildImpossible(changed, b.err, w.standing())
	case w.runs(b.binary) && !w.forced:
		w.ui.unchanged(changed, b.binary.Took, w.newest())
		discard(b.binary)
	default:
		w.forced = false
		w.start(&attempt{binary: b.binary, changed: changed, began: b.began})
	}
	return nil
}

// runs reports whether a binary is that of the newest worker.
func (w *watch) runs(b *builder.Binary) bool {
	return w.target != nil && w.target.binary.Same(b)
}

// start gives the starter a new program to run.
func (w *watch) start(a *attempt) {
	a.command = &starter.Command{
		Path:  a.binary.Path,
		Args:  append([]string{a.binary.Path}, w.o.args...),
		Dir:   w.o.dir,
		Stdin: w.stdin,
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
	switch e.Kind {
	case starter.Starting:
		w.starting, w.slow = e.Worker, time.After(slowStart)
	case starter.Serving:
		w.serves(e, a)
	case starter.Died:
		w.worker = starter.Worker{}
		w.ui.died(e, w.stopping, w.starting)
	case starter.Failed, starter.TimedOut:
		w.failed(e, a)
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
	w.worker, w.current = e.Worker, a
	w.starting, w.slow = starter.Worker{}, nil
	if w.target == nil {
		w.target = a
	}
	w.tidy()
}

// failed notes a worker that has not come to serve. If it was the newest
// code, that is what serves, or nothing.
func (w *watch) failed(e starter.Event, a *attempt) {
	if e.Worker == w.starting {
		w.starting, w.slow = starter.Worker{}, nil
	}
	if a == w.target {
		w.target = nil
		if w.worker.PID != 0 {
			w.target = w.current
		}
	}
	standing := w.standing()
	if w.newest().PID == 0 && w.current != nil && w.current != a && !w.stopping {
		standing = "back to the code of " + clock(w.current.began)
	}
	w.ui.startFailed(e, a, standing)
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
			discard(a.binary)
			delete(w.attempts, command)
		}
	}
}

func discard(b *builder.Binary) {
	if b != nil {
		b.Remove()
	}
}
