package session

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/watcher"
)

// effects performs the actions of the machine: it is the only place that
// builds, lists, watches, starts, runs commands, removes and reports. Its
// fields belong to the goroutine of the loop.
type effects struct {
	o        Options
	patterns patterns
	builder  *builder.Builder
	graph    *builder.Graph // nil before the first list
	watcher  *watcher.Watcher
	starter  *starter.Starter

	settings        Settings
	invalidSettings bool // the settings file can't be applied
	deltaDistrusted bool // a link by delta was wrong

	console
	log     *report.Log
	sinks   report.Sinks
	alerts  *report.Alerts
	pages   *report.Pages
	page    *browser.Page // answers connections while no worker runs
	control *controlSocket
	stdin   *os.File // of programs that read nothing
	tempDir string
	marker  string // variable of every process of the session, so that a guard finds it

	ctx      context.Context       // done when the loop is over
	tasks    sync.WaitGroup        // goroutines that end with ctx
	events   chan machine.Event    // from tasks and the starter
	progress chan builder.Progress // the latest

	build, check, rule, after, relinking task
	streamsOf                            map[*machine.Program]programStreams
}

// task is work on a goroutine of its own that can be cancelled. The zero task
// is none.
type task struct{ cancel context.CancelFunc }

func (t *task) stop() {
	if t.cancel != nil {
		t.cancel()
		t.cancel = nil
	}
}

// begin starts a task in the place of another one, which is cancelled.
func (e *effects) begin(t *task, do func(context.Context)) {
	t.stop()
	ctx, cancel := context.WithCancel(e.ctx)
	t.cancel = cancel
	e.tasks.Go(func() {
		defer cancel()
		do(ctx)
	})
}

// send passes an event to the loop. It reports false if the loop is over.
func (e *effects) send(ev machine.Event) bool {
	select {
	case e.events <- ev:
		return true
	case <-e.ctx.Done():
		return false
	}
}

// onProgress keeps the latest progress of a build for the loop. Called by
// builds.
func (e *effects) onProgress(p builder.Progress) {
	for {
		select {
		case e.progress <- p:
			return
		case <-e.progress:
		}
	}
}

// perform performs an action. It returns the event that answers the action, or
// nil.
func (e *effects) perform(a machine.Action) machine.Event {
	switch a := a.(type) {
	case machine.StartBuild:
		e.startBuild(a.Seq)
	case machine.CancelBuild:
		e.build.stop()
	case machine.StartCheck:
		e.startCheck(a.Build)
	case machine.Relink:
		e.relink(a.Program)
	case machine.DistrustDelta:
		e.distrustDelta(a.Reason)
	case machine.AwaitRemoval:
		e.awaitRemoval(a.Files)
	case machine.CancelCheck:
		e.check.stop()
	case machine.Discard:
		a.Remove()
	case machine.List:
		e.list(a)
	case machine.WatchFiles:
		return e.watch(a)
	case machine.CompareGraph:
		if a.Graph == nil || a.Graph.Outdated(a.Files) {
			return machine.GraphOutdated{Since: a.Since}
		}
	case machine.Inspect:
		return machine.Inspected{Files: e.patterns.classify(e.graph, a.Paths)}
	case machine.RunRule:
		e.runRule(a.Rule)
	case machine.CancelRule:
		e.rule.stop()
	case machine.Start:
		return e.start(a)
	case machine.CloseStreams:
		e.streamsOf[a.Program].close()
		delete(e.streamsOf, a.Program)
	case machine.SendInput:
		e.input.SetReader(e.streamsOf[a.Program].input)
	case machine.RunAfter:
		e.runAfterReady(a)
	case machine.Stop:
		e.stop(a.Suspended)
	case machine.SetFallback:
		e.setFallback(a.Page)
	case machine.Hold:
		e.starter.Hold(a.Limit, a.Workers...)
	case machine.Confirm:
		e.confirm()
	case machine.Answer:
		e.control.answer(a)
	case machine.Tell:
		e.sinks.Handle(a.Event)
	case machine.ClearScreen:
		if !a.AfterBuild || e.o.Clear != ClearNever {
			e.screen.Clear(a.AfterBuild && e.o.Clear == ClearAll)
		}
	case machine.NewLine:
		e.screen.Write([]byte("\n"))
	case machine.OpenBrowser:
		if err := browser.Open(a.URL); err != nil {
			e.sinks.Handle(report.Warningf("opening a browser: %v", err))
		}
	}
	return nil
}

func (e *effects) startBuild(seq int) {
	by, b := e.builder, machine.Built{Seq: seq, Began: time.Now()}
	e.begin(&e.build, func(ctx context.Context) {
		b.Binary, b.Err = by.Build(ctx)
		if !e.send(b) && b.Binary != nil {
			b.Binary.Remove()
		}
	})
}

func (e *effects) startCheck(of machine.Built) {
	by := e.builder
	e.begin(&e.check, func(ctx context.Context) {
		result, same := machine.Checked{Built: of}, false
		if result.Binary, same, result.Err = by.Check(ctx, of.Binary); same {
			result.Verified = of.Binary
		}
		if !e.send(result) && result.Binary != nil {
			result.Binary.Remove()
		}
	})
}

func (e *effects) relink(p *machine.Program) {
	by := e.builder
	e.begin(&e.relinking, func(ctx context.Context) {
		binary, _ := by.Relink(ctx, p.Binary) // after an error the failure of the program is reported
		if !e.send(machine.Relinked{Binary: binary}) && binary != nil {
			binary.Remove()
		}
	})
}

// distrustDelta ends links by delta for the rest of the session.
func (e *effects) distrustDelta(reason string) {
	e.deltaDistrusted = true
	file, err := e.builder.DistrustDelta(reason)
	first, _, _ := strings.Cut(reason, "\n")
	warning := report.Warningf("%s; from now on programs are linked as a whole (as with --direct=whole); a report is in %s", first, file)
	if err != nil {
		warning = report.Warningf("%s; from now on programs are linked as a whole (as with --direct=whole)", first)
	}
	e.sinks.Handle(warning)
}

// complete adds to the result of a build what the builder knows of it.
func (e *effects) complete(b machine.Built) machine.Built {
	b.InvalidCommand = cli.Code(b.Err) == cli.Misuse
	if e.o.Builder.Adopt {
		b.Instrumentation, b.InstrumentErr = e.builder.Instrumentation()
	}
	return b
}

func (e *effects) awaitRemoval(files []string) {
	exists := func(file string) bool { // maybe as a broken link
		_, err := os.Lstat(file)
		return err == nil
	}
	e.begin(&e.check, func(ctx context.Context) {
		for slices.ContainsFunc(files, exists) {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return
			}
		}
		e.send(machine.Removed{})
	})
}

func (e *effects) list(a machine.List) {
	by := e.builder
	e.tasks.Go(func() {
		graph, err := by.List(e.ctx)
		l := machine.Listed{Builder: a.Builder, Began: a.Since, Graph: graph, Err: err}
		if graph != nil {
			l.Missing = graph.Missing
		}
		e.send(l)
	})
}

func (e *effects) watch(a machine.WatchFiles) machine.Event {
	graph := a.Graph
	if graph == nil {
		graph = &builder.Graph{}
	} else {
		e.graph = graph
	}
	if err := e.watcher.Watch(watchSet(graph, e.patterns), a.Since); err != nil {
		return machine.Failed{Err: err}
	}
	return nil
}

func (e *effects) start(a machine.Start) machine.Event {
	env, err := e.environ()
	if err != nil {
		return machine.EnvInvalid{Program: a.Program, Err: err}
	}
	path := a.Binary.Path
	command := &starter.Command{Path: path, Args: append([]string{path}, e.o.Args...), Dir: e.o.Dir, Env: env, ExpectHello: a.Instrumented}
	streams, errs := e.connect(command, e.stdin)
	for _, err := range errs {
		e.sinks.Handle(report.Warning{Text: err.Error()})
	}
	if a.Input {
		e.input.SetReader(streams.input)
	}
	for _, o := range streams.outputs {
		if e.control.server == nil {
			break // nobody can ask for the lines
		}
		w := control.NewLineWriter(e.control.lines, term.Plain)
		o.Copy(w.Add)
		streams.lines = append(streams.lines, w)
	}
	e.streamsOf[a.Program] = streams
	e.starter.Reload(command)
	return machine.Started{Program: a.Program, Command: command}
}

// stop stops the workers. A suspended worker can't finish.
func (e *effects) stop(suspended []starter.Worker) {
	e.after.stop()
	e.starter.Signal(syscall.SIGTERM) // for the workers it is --stop-signal
	if slices.ContainsFunc(suspended, func(w starter.Worker) bool { return isSuspended(w.PID) }) {
		e.starter.Signal(syscall.SIGTERM)
	}
}

// setFallback decides what happens to connections while no worker runs: the
// error page answers, or they wait.
func (e *effects) setFallback(failure report.Event) {
	if failure == nil {
		e.page.Show(nil)
		e.starter.SetFallback(nil)
		return
	}
	e.page.Show(e.pages.Failure(failure))
	e.starter.SetFallback(e.page.Take)
}

// exitOf describes the exit of a worker of a program. The last lines of a
// worker that was killed do not say why.
func (e *effects) exitOf(ev starter.Event, p *machine.Program) (x report.Exit) {
	if outputs := e.streamsOf[p].outputs; len(outputs) > 0 {
		x = report.NewExit(outputs[0].TakeTail(), e.sourceFile)
	}
	if ev.Status.Signaled() {
		x.Output = nil
	}
	if ev.Kind == starter.Failed || ev.Kind == starter.TimedOut {
		x.InUse = report.PortHolders(x.Output)
	}
	return x
}

// sourceFile returns the path of a file in a stack trace if it belongs to the
// program, or else "". With -trimpath the trace has import paths.
func (e *effects) sourceFile(file string) string {
	switch {
	case e.graph == nil:
		return ""
	case !filepath.IsAbs(file):
		return e.graph.Source(file)
	case e.graph.Match(file):
		return file
	}
	return ""
}

func (e *effects) policy() machine.Policy {
	return machine.Policy{
		Dir: e.o.Dir, Target: e.builder.Target(), Exit: e.o.Exit, OverlapOff: e.o.Starter.Overlap == starter.OverlapOff, Open: e.o.Open,
		ReadyTimeout: e.o.Starter.ReadyTimeout, ServeTimeout: e.o.Starter.ServeTimeout, Fresh: e.o.Fresh,
	}
}
