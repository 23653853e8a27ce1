package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
)

const (
	// What a rule has written is told some milliseconds after it did; the
	// rules after it, and the build, should know.
	hindsight = 20 * time.Millisecond
	// A rule that takes so long is named while it runs, as builds are.
	slowRule = time.Second
)

// runRules begins the run of the rule that is next, if there is one, and has
// one end that runs for what has changed again.
func (w *watch) runRules() {
	if names := w.rules.Cycle(); names != nil {
		w.cause(nil) // the loop is what counts
		w.emit(report.RuleLoop{Rules: names})
	}
	if at := w.rules.CancelAt(); !at.IsZero() {
		time.AfterFunc(time.Until(at), w.endRun)
	}
	d := w.rules.Next(time.Now())
	if d == nil {
		return
	}
	w.fallback(false)
	w.slowRule = time.After(slowRule)
	env, err := w.environ()
	ctx, cancel := context.WithCancel(w.ended)
	w.endRun = cancel
	e := rules.Command{Line: d.Run, Files: d.Inputs(), Dir: w.o.Dir, Env: append(env, w.mark), TempDir: w.scratch}
	w.running.Go(func() {
		if err == nil {
			err = e.Execute(ctx)
		}
		r := ran{err: err, ended: time.Now()}
		pause(ctx, hindsight)
		select {
		case w.errands <- r:
		case <-w.ended.Done():
		}
	})
}

// ran is how the run of a rule came out, and when.
type ran struct {
	after string // the command, if it is no rule but follows a start
	err   error
	ended time.Time
}

// ran goes on after the run of a rule.
func (w *watch) ran(r ran) {
	switch {
	case r.after != "" && r.err != nil:
		w.emit(report.AfterReadyFailed{Title: rules.Rule{Run: r.after}.Title(), Command: r.after, Err: r.err})
		fallthrough
	case r.after != "":
		w.churn.settles(time.Now())
		return
	}
	d := w.rules.Running()
	w.endRun()
	w.slowRule = nil
	w.endProgress()
	for _, file := range d.Inputs() {
		if info, err := os.Stat(file); err == nil {
			w.rules.Modified(file, info.ModTime())
		}
	}
	switch {
	case errors.Is(r.err, context.Canceled):
		w.rules.End(r.ended, rules.Cancelled)
	case r.err != nil:
		w.rules.End(r.ended, rules.Failed)
		w.behind = true
		w.emit(report.RuleFailed{Rule: d.Title(), Command: d.Run, Cause: w.cause(d.Inputs()), Err: r.err, Output: rules.Output(r.err), Current: w.standing()})
	default:
		w.rules.End(r.ended, rules.Succeeded)
		w.ruleDone(d)
	}
	w.proceed()
}

// ruleDone keeps the run of a rule for the event that follows from it.
func (w *watch) ruleDone(d *rules.State) {
	run := report.RuleRun{Rule: d.Title(), Files: d.Inputs(), Took: d.Ended.Sub(d.Began)}
	w.emit(report.RuleDone{RuleRun: run, Command: d.Run})
	w.ruleRuns = append(w.ruleRuns, run)
	failed, _ := report.RuleFailed{Rule: d.Title()}.Failure()
	w.rulesFix = w.rulesFix || w.status.Failing == failed
}

// environ is the environment of the program and of every command.
func (w *watch) environ() ([]string, error) {
	env := os.Environ()
	if w.pages.Server != nil {
		env = append(env, "HOTSTART_SCRIPT="+w.pages.Server.URL())
	}
	return withFiles(env, w.o.Dir, w.o.EnvFiles)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// runAfter runs the commands that follow a start, and ends those of the one
// before.
func (w *watch) runAfter() {
	if w.endAfter != nil {
		w.endAfter()
	}
	env, err := w.environ()
	if len(w.o.AfterReady) == 0 || w.stopping || err != nil {
		return
	}
	ctx, cancel := context.WithCancel(w.ended)
	w.endAfter = cancel
	env = append(env, w.mark, fmt.Sprint("HOTSTART_GENERATION=", w.worker.Generation), fmt.Sprint("HOTSTART_PID=", w.worker.PID),
		"HOTSTART_URL="+w.firstURL())
	lines, dir := w.o.AfterReady, w.o.Dir // hotstart.toml may change meanwhile
	w.running.Go(func() {
		w.screen.Flush()
		for _, line := range lines {
			err := rules.Command{Line: line, Dir: dir, Env: env, Out: os.Stderr}.Execute(ctx)
			if ctx.Err() != nil {
				return
			}
			select {
			case w.errands <- ran{after: line, err: err}:
			case <-ctx.Done():
			}
			if err != nil {
				return
			}
		}
	})
}

// runLast runs the commands of --on-stop. A signal ends them.
func (w *watch) runLast() error {
	env, err := w.environ()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process at the latest
		select {
		case <-w.signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	w.screen.Flush()
	for _, line := range w.o.OnStop {
		if err := (rules.Command{Line: line, Dir: w.o.Dir, Env: append(env, w.mark), Out: os.Stderr}).Execute(ctx); err != nil {
			return fmt.Errorf("--on-stop: %s: %w", rules.Rule{Run: line}.Title(), err)
		}
	}
	return nil
}

// firstURL is where the program serves; "" if that is not known.
func (w *watch) firstURL() string {
	for _, a := range slices.Concat(w.listens, w.addresses) {
		return report.URL(a)
	}
	return ""
}
