package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
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
		w.emit(report.EnvFileFailed{Cause: w.cause(a.changed), Err: err, Current: w.standing()})
		w.drop(a)
		return
	}
	a.command = &starter.Command{
		Path: a.binary.Path,
		Args: append([]string{a.binary.Path}, w.o.Args...),
		Dir:  w.o.Dir,
		Env:  env,

		ExpectHello: a.adopted,
	}
	c, err := w.streams.Connect()
	if err != nil {
		w.emit(report.Warningf("the output of the program is not captured: %v", err))
	}
	a.outputs, a.command.Stdout, a.command.Stderr = c.Outputs, c.Stdout, c.Stderr
	if len(a.outputs) > 0 {
		a.command.LastOutput = a.outputs[0].Tail
	}
	if err := w.connectInput(a); err != nil {
		w.emit(report.Warningf("the program has no standard input: %v", err))
	}
	w.attempts[a.command], w.target = a, a
	w.churn.starts()
	w.starter.Reload(a.command)
}

// tellAdopted tells how the program of the last build is adopted, if that is
// news, and reports whether it is.
func (w *watch) tellAdopted() bool {
	if !w.o.Adopt {
		return false
	}
	what, err := w.builder.Instrumentation()
	if now := fmt.Sprint(what, err); now != w.adopted {
		w.adopted = now
		if w.instrument = what; err != nil {
			w.instrument = ""
			w.emit(report.NotAdopted{Err: err})
		}
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
	case starter.Serving, starter.Failed, starter.TimedOut, starter.Completed, starter.Crashed, starter.Exited:
		w.churn.settles(time.Now())
		w.tried = time.After(2 * startSlack) // the watcher may be late, too
	}
	switch e.Kind {
	case starter.Starting:
		w.starting, w.slow = e.Worker, time.After(slowStart)
	case starter.Serving:
		w.serves(e, a)
	case starter.Crashed:
		w.worker = starter.Worker{}
		w.exits(e)
		w.emit(report.Crashed{Event: e, Exit: w.exit(e, a), Starting: w.starting, Stopping: w.stopping})
	case starter.RolledBack:
		w.rolledBack(e, a)
		w.exits(e)
	case starter.Settled:
		w.good = a
		w.tidy()
	case starter.Completed:
		w.done(e, a)
		w.exits(e)
	case starter.GaveUp:
		if e.Failures > 1 {
			w.behind = true // so that --restart builds
			if a != nil {
				a.ended = true
			}
			w.emit(report.GaveUp{Worker: e.Worker, Failures: e.Failures})
		}
	case starter.Failed, starter.TimedOut:
		w.failed(e, a)
		w.exits(e)
	case starter.SocketKept:
		w.kept(e)
	case starter.Exited:
		w.left(e)
	case starter.Killing:
		w.emit(report.Misbehaved{Event: e})
		if w.stopping {
			w.killed = e.Worker
		}
	case starter.DrainTimedOut, starter.BrokerError, starter.ListenerShutDown, starter.PathLost:
		w.emit(report.Misbehaved{Event: e})
	case starter.Contended:
		w.starting, w.slow = starter.Worker{}, nil
		w.hinted = true
		w.emit(report.Contended{Worker: e.Worker, What: e.Resource, Holder: w.worker})
	case starter.Retiring: // the next one is started when it has ended
		w.worker = starter.Worker{}
	case starter.AssumedReady:
		w.emit(report.Unseen{Event: e})
	case starter.SocketClosed:
		w.closed(e)
	case starter.SocketReleased:
		w.emit(report.LetGo{Worker: e.Worker, Address: e.Address})
	case starter.PortUnused:
		w.unused(e)
	}
	w.showStatus()
}

// kept notes a socket that a worker has opened by itself.
func (w *watch) kept(e starter.Event) {
	w.reportInstrument()
	w.emit(report.SocketKept{Worker: e.Worker, Address: e.Address})
	if w.worker == e.Worker {
		w.listens = append(w.listens, e.Address)
	}
}

// closed notes a socket that a worker has opened by itself and closed.
func (w *watch) closed(e starter.Event) {
	w.emit(report.SocketClosed{Worker: e.Worker, Address: e.Address})
	if w.worker == e.Worker {
		w.listens = without(w.listens, e.Address)
	}
}

// unused notes an address on which the program does not listen.
func (w *watch) unused(e starter.Event) {
	known := slices.Contains(w.addresses, e.Address)
	w.addresses, w.listens = without(w.addresses, e.Address), without(w.listens, e.Address)
	if known {
		w.emit(report.Unused{Worker: e.Worker, Address: e.Address})
	}
}

// without returns the addresses that are not a.
func without(addresses []starter.Address, a starter.Address) []starter.Address {
	return slices.DeleteFunc(slices.Clone(addresses), func(b starter.Address) bool { return a == b })
}

// left reports an old worker only if it did not exit with status 0 after its stop signal,
// and once: some programs exit with another status at each signal.
func (w *watch) left(e starter.Event) {
	if e.Status.Exited() && e.Status.ExitStatus() != 0 && !w.leftShown {
		w.leftShown = true
		w.emit(report.Exited{Event: e})
	}
}

// reportInstrument reports how the program is instrumented once it serves by a socket
// that is kept. A program that binds by system calls of its own, for example with gnet,
// is not instrumented in effect.
func (w *watch) reportInstrument() {
	if w.instrument != "" {
		w.emit(report.Adopted{What: w.instrument})
		w.instrument = ""
	}
}

// serves notes a worker that has become the current one.
func (w *watch) serves(e starter.Event, a *attempt) {
	w.input.SetReader(a.input) // before the user is told, and types
	w.listens = e.Addresses
	if len(e.Addresses) > 0 {
		w.reportInstrument()
	}
	w.emit(w.serving(e, a))
	w.due.refresh = nil // every page is loaded again
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
	exit, current := w.exit(e, a), w.standing()
	exit.InUse, current.BackTo = report.PortHolders(exit.Output), w.good.began
	w.emit(report.RolledBack{Event: e, Cause: w.cause(a.changed), Exit: exit, Current: current})
	w.failedCode = a.began
}

// done notes a worker that has ended as it should.
func (w *watch) done(e starter.Event, a *attempt) {
	w.worker, w.starting, w.slow = starter.Worker{}, starter.Worker{}, nil
	w.current, a.ended = a, true
	w.emit(report.Ended{Event: e, Cause: w.cause(a.changed), Fixed: w.failing(), Server: len(w.listens)+len(w.addresses) > 0})
	w.tidy()
}

// exits ends hotstart with the program, if that is what is asked for.
func (w *watch) exits(e starter.Event) {
	if !w.o.Exit || w.stopping || w.newest().PID != 0 || e.Kind == starter.TimedOut {
		return
	}
	w.exited = cli.Exited(exitStatus(e))
	w.stop()
}

// exitStatus is what a shell would make of a worker's end.
func exitStatus(e starter.Event) int {
	switch {
	case e.Err != nil:
		return cli.Failure
	case e.Status.Signaled():
		return 128 + int(e.Status.Signal())
	}
	return e.Status.ExitStatus()
}

// serving describes a worker that has taken over.
func (w *watch) serving(e starter.Event, a *attempt) report.Serving {
	s := report.Serving{Worker: e.Worker, Built: a.began, Addresses: e.Addresses, Fixed: w.fixes(a.began), Stale: time.Now()}
	if w.worker.PID == 0 {
		s.Stale = s.Stale.Add(-e.Elapsed) // requests waited for this worker from then on
	}
	if len(e.Others) > 0 {
		s.Finishing = e.Others[0]
	}
	switch {
	case a == w.current:
		s.How = report.Again
		return s
	case a.again:
		s.How = report.Restarted
	default:
		s.Took = a.binary.Duration
	}
	s.Cause = w.cause(a.changed)
	return s
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
	failed := report.StartFailed{Event: e, Exit: w.exit(e, a), Current: w.standing(), Addresses: w.addresses}
	failed.Exit.InUse = report.PortHolders(failed.Exit.Output)
	if back := w.attempts[e.Rollback]; back != nil && !w.stopping {
		w.current = back
		failed.Current.BackTo = back.began
	}
	if w.worker.PID != 0 && !w.hinted && w.o.Overlap != starter.OverlapOff {
		w.hinted, failed.Overlap = true, true
	}
	var code time.Time
	var changed []string
	if a != nil {
		code, changed = a.began, a.changed
	}
	failed.Cause = w.cause(changed)
	w.emit(failed)
	w.failedCode = code // the same code may be started once more
	if e.Kind == starter.Failed && strings.Contains(e.Reason(), syscall.ENOEXEC.Error()) {
		w.emit(report.WrongTarget{Target: w.builder.Target()})
	}
	w.tidy()
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
