package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// attempt is one binary that was given to the starter.
type attempt struct {
	command *starter.Command
	binary  *builder.Binary
	adopted bool           // its program says hello to the broker
	outputs []*term.Output // what its workers write
	input   *os.File       // where to write what they shall read; nil: nothing
	changed []string
	began   time.Time // when its build did: it is the code of then
	again   bool      // the binary has been started before
	ended   bool      // it has, and no worker is started from it any more by itself
}

// slowStart is when a person starts to wonder.
const slowStart = 3 * time.Second

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

		Greets: a.adopted,
	}
	c, err := w.streams.Connect()
	if err != nil {
		w.ui.warn("the output of the program is not captured: %v", err)
	}
	a.outputs, a.command.Stdout, a.command.Stderr = c.Outputs, c.Stdout, c.Stderr
	if len(a.outputs) > 0 {
		a.command.Words = a.outputs[0].Tail
	}
	if err := w.connectInput(a); err != nil {
		w.ui.warn("the program has no standard input: %v", err)
	}
	w.attempts[a.command], w.target = a, a
	w.churn.starts()
	w.starter.Reload(a.command)
}

// tellAdopted tells how the program of the last build is adopted, if that is
// news, and reports whether it is.
func (w *watch) tellAdopted() bool {
	if w.o.adopt == adoptOff {
		return false
	}
	what, err := w.builder.Adopted()
	if now := fmt.Sprint(what, err); now != w.adopted {
		w.adopted = now
		w.ui.adopted(what, err)
	}
	return what != ""
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
	w.streams.Flush()
	switch e.Kind {
	case starter.Serving, starter.Failed, starter.TimedOut, starter.Done, starter.Died, starter.Left:
		w.churn.settles(time.Now())
		w.tried = time.After(2 * startSlack) // the watcher may be late, too
	}
	switch e.Kind {
	case starter.Starting:
		w.starting, w.slow = e.Worker, time.After(slowStart)
	case starter.Serving:
		w.serves(e, a)
	case starter.Died:
		w.worker = starter.Worker{}
		w.exits(e)
		w.ui.died(e, w.lastWords(e, a), w.stopping, w.starting)
	case starter.RolledBack:
		w.rolledBack(e, a)
		w.exits(e)
	case starter.Settled:
		w.good = a
		w.tidy()
	case starter.Done:
		w.done(e, a)
		w.exits(e)
	case starter.GaveUp:
		if e.Failures > 1 {
			w.behind = true // so that --restart builds
			if a != nil {
				a.ended = true
			}
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
	case starter.Overdue, starter.Refused, starter.Deafened, starter.Displaced:
		w.ui.trouble(e)
	case starter.Contended:
		w.starting, w.slow = starter.Worker{}, nil
		w.hinted = true
		w.ui.contended(e, w.worker)
	case starter.Retiring: // the next one is started when it has ended
		w.worker = starter.Worker{}
	case starter.Unseen:
		w.ui.unseen(e)
	case starter.Closed:
		w.ui.closed(e)
	case starter.LetGo:
		w.ui.letGo(e)
	case starter.Unused:
		w.ui.unused(e)
	}
	w.ui.remind(w.standing())
}

// serves notes a worker that has become the current one.
func (w *watch) serves(e starter.Event, a *attempt) {
	w.input.SetReader(a.input) // before the user is told, and types
	w.ui.serving(e, a, a == w.current)
	w.reloadPages(e)
	w.worker, w.current = e.Worker, a
	w.starting, w.slow = starter.Worker{}, nil
	if w.target == nil {
		w.target = a
	}
	if w.good == nil || w.good.ended {
		w.good = a
	}
	w.tidy()
	w.runAfter()
}

// rolledBack notes that a worker has died so soon after it took over that the
// last good code is started.
func (w *watch) rolledBack(e starter.Event, a *attempt) {
	w.worker = starter.Worker{}
	if a == w.target {
		w.target = w.good
	}
	w.behind, w.current = true, w.good
	w.ui.rolledBack(e, a, w.lastWords(e, a), "returning to the build of "+clock(w.good.began))
}

// done notes a worker that has ended as it should.
func (w *watch) done(e starter.Event, a *attempt) {
	w.worker, w.starting, w.slow = starter.Worker{}, starter.Worker{}, nil
	w.current, a.ended = a, true
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
	if back := w.attempts[e.Back]; back != nil && !w.stopping {
		w.current = back
		standing = "returning to the build of " + clock(back.began)
	}
	hint := ""
	if w.worker.PID != 0 && !w.hinted && w.o.overlap != string(starter.OverlapOff) {
		w.hinted = true
		hint = "  if it fails because the old worker still runs: --overlap=off stops the old worker first\n"
	}
	w.ui.startFailed(e, a, w.lastWords(e, a), standing, hint)
	if e.Kind == starter.Failed && strings.Contains(e.Reason(), syscall.ENOEXEC.Error()) {
		w.ui.wrongTarget(w.builder.Target())
	}
	w.tidy()
}

// standing says what serves, while newer code does not.
func (w *watch) standing() string {
	switch {
	case w.worker.PID != 0:
		return w.ui.stillServing(w.worker, w.current.began)
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
		if a != w.target && a != w.current && a != w.good {
			delete(w.attempts, command)
			w.drop(a)
		}
	}
}

// drop lets go of what no worker will be started from again. The binary may
// be another attempt's, too.
func (w *watch) drop(dropped *attempt) {
	for _, o := range dropped.outputs {
		o.Close()
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

// lastWords are those of the worker that has just ended. One that was killed
// had nothing to say about it.
func (w *watch) lastWords(e starter.Event, a *attempt) term.ExitReport {
	if a == nil || len(a.outputs) == 0 {
		return term.ExitReport{}
	}
	words := term.NewExitReport(a.outputs[0].TakeTail(), w.written)
	if e.Status.Signaled() {
		words.Lines = nil
	}
	return words
}

// written returns the file of a stack trace if the user wrote it, else "".
// -trimpath has the trace begin with paths of packages.
func (w *watch) written(file string) string {
	switch {
	case w.graph == nil:
		return ""
	case !filepath.IsAbs(file):
		return w.graph.Source(file)
	case w.graph.Match(file):
		return file
	}
	return ""
}
