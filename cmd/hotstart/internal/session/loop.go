package session

import (
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/watcher"
)

// loop joins the machine to its effects. Only its goroutine uses the two.
type loop struct {
	*effects
	machine *machine.Machine
	signals chan os.Signal
	filter  cli.SignalFilter
	tty     term.ControllingTTY
}

// run passes events to the machine until the starter has ended. served carries
// the result of the starter, unwatched that of the watcher.
func (l *loop) run(first machine.Began, served, unwatched <-chan error) error {
	l.step(first)
	batches, lost := l.watcher.Batches(), l.tty.Lost()
	for {
		select {
		case batch, ok := <-batches:
			if !ok {
				batches = nil
				break
			}
			l.filesChanged(batch)
		case e := <-l.events:
			l.handle(e)
		case p := <-l.progress:
			l.step(machine.Progressed{Progress: p})
		case sig := <-l.signals:
			l.handleSignal(sig)
		case <-lost:
			lost = nil
			l.step(machine.Disconnected{})
		case keys, ok := <-l.keys:
			if !ok {
				l.keys = nil // the terminal can't be read any more
			}
			for _, key := range keys {
				l.step(machine.KeyPressed{Key: key})
			}
		case <-l.children:
			for _, w := range l.machine.Workers() {
				if isSuspended(w.PID) {
					l.step(machine.Suspended{Worker: w})
				}
			}
		case <-l.suspended:
			l.suspend()
		case <-l.continued:
			l.console.tty.Resume()
		case <-l.aborted:
			l.abort()
		case <-l.resized:
			if l.streams.Resize() && !l.machine.Stopping() {
				l.starter.Signal(syscall.SIGWINCH)
			}
		case answer := <-l.control.questions:
			answer()
		case <-l.timer():
			l.step(machine.Tick{})
		case err := <-unwatched:
			if err != nil {
				l.step(machine.Failed{Err: err})
			}
		case err := <-served:
			return l.machine.Result(err)
		}
	}
}

// step passes an event to the machine and performs the actions.
func (l *loop) step(e machine.Event) {
	for todo := l.machine.Step(time.Now(), e); len(todo) > 0; todo = todo[1:] {
		if answer := l.perform(todo[0]); answer != nil {
			todo = append(todo, l.machine.Step(time.Now(), answer)...)
		}
	}
}

func (l *loop) timer() <-chan time.Time {
	at := l.machine.Next()
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// handle adds to an event what effects know of it.
func (l *loop) handle(e machine.Event) {
	switch e := e.(type) {
	case machine.Built:
		l.control.countBuild(e)
		l.step(l.complete(e))
	case machine.Checked:
		l.step(machine.Checked{Built: l.complete(e.Built), Verified: e.Verified})
	case machine.WorkerEvent:
		l.streams.Flush()
		l.control.follow(e.Event)
		if e.Kind == starter.Starting {
			for _, w := range l.streamsOf[l.machine.ProgramOf(e.Worker)].lines {
				w.SetWorker(e.Worker.Generation)
			}
		}
		switch e.Kind {
		case starter.Failed, starter.TimedOut, starter.Crashed, starter.RolledBack:
			e.Exit = l.exitOf(e.Event, l.machine.ProgramOf(e.Worker))
		}
		l.step(e)
	case report.Event: // of a page
		l.sinks.Handle(e)
	default:
		l.step(e)
	}
}

// filesChanged handles a batch of changes. Those of the settings come first.
func (l *loop) filesChanged(batch watcher.Batch) {
	rest := slices.DeleteFunc(slices.Clone(batch.Paths), l.patterns.settings.Watched)
	if len(rest) < len(batch.Paths) && !l.machine.Stopping() {
		if e := l.reconfigure(); e != nil {
			l.step(e)
		}
	}
	l.step(machine.Changed{Files: l.patterns.classify(l.graph, rest), Since: batch.Since})
}

func (l *loop) handleSignal(sig os.Signal) {
	switch {
	case sig == syscall.SIGHUP && l.tty.Gone(): // the kernel has sent it
		l.step(machine.Disconnected{})
	case !l.filter.Duplicate(sig, time.Now()):
		l.step(machine.Signaled{Signal: sig.(syscall.Signal)})
	}
}
