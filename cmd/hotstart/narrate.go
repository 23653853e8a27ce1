package main

import (
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// narration is what events depend on besides the thing that happens.
type narration struct {
	sinks      report.Sinks
	status     report.Status     // what has failed and is not fixed
	failedCode time.Time         // older code than this does not fix it
	ruleRuns   []report.RuleRun  // that no event has named yet
	rulesFix   bool              // one of them succeeded after a failure that status shows
	addresses  []starter.Address // that hotstart has opened
	listens    []starter.Address // that the worker serves; after its end, that it served
	instrument string            // how the program is instrumented, until it is reported
	leftShown  bool              // the exit status of an old worker has been reported
}

// emit passes an event to every sink, and keeps the status. After a failure the error
// page answers while no worker runs.
func (w *watch) emit(e report.Event) {
	w.sinks.Handle(e)
	if report.IsFix(e) {
		w.status = report.Status{}
		w.sinks.Handle(report.StatusChanged{})
	}
	if f, ok := e.(report.Failure); ok {
		if headline, _ := f.Failure(); headline != "" {
			w.status, w.failedCode = w.status.Failed(f, time.Now()), time.Now()
			w.showStatus()
			w.fallback(true)
		}
	}
}

// showStatus makes the status line say what runs now, if something has failed.
func (w *watch) showStatus() {
	if w.failing() {
		w.sinks.Handle(report.StatusChanged{Status: w.status, Current: w.standing()})
	}
}

// endProgress makes the status line say again what it said before a build or a rule.
func (w *watch) endProgress() {
	w.sinks.Handle(report.StatusChanged{Status: w.status, Current: w.standing()})
}

// failing reports whether something has failed and is not fixed.
func (w *watch) failing() bool { return w.status.Failing != "" }

// fixes reports whether code that serves now fixes what has failed.
func (w *watch) fixes(code time.Time) bool { return w.failing() && !code.Before(w.failedCode) }

// cause is what has changed, with the runs of rules since the last event.
func (w *watch) cause(changed []string) report.Cause {
	c := report.Cause{Changed: changed, Rules: w.ruleRuns}
	w.ruleRuns, w.rulesFix = nil, false
	return c
}

// standing is what runs while newer code does not.
func (w *watch) standing() report.Current {
	c := report.Current{Worker: w.worker, Starting: w.starting, Stopping: w.stopping}
	if w.worker.PID != 0 {
		c.Built = w.current.began
	}
	return c
}

// exit describes what a worker left behind that has ended by itself. The last lines of a
// worker that was killed do not say why.
func (w *watch) exit(e starter.Event, a *attempt) (x report.Exit) {
	if a != nil && len(a.outputs) > 0 {
		x = report.NewExit(a.outputs[0].TakeTail(), w.written)
	}
	if e.Status.Signaled() {
		x.Output = nil
	}
	return x
}

// fallback decides who answers while no worker runs: the error page, or nobody, so that
// connections wait.
func (w *watch) fallback(answer bool) {
	if answer {
		w.starter.SetFallback(w.pages.Error.Take)
		return
	}
	w.pages.Error.Show(nil)
	w.starter.SetFallback(nil)
}
