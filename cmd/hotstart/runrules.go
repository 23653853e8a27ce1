package main

import (
	"context"
	"errors"
	"os"
	"time"
)

const (
	// What a rule has written is told some milliseconds after it did; the
	// rules after it, and the build, should know.
	hindsight = 20 * time.Millisecond
	// A run that was begun in vain is left alone for so long: most end
	// sooner, and a command that was cut short may leave half a file.
	leftAlone = time.Second
)

// runRules begins the run of the rule that is next, if there is one, and has
// one end that runs for what has changed again.
func (w *watch) runRules() {
	if names := w.rules.circle(); names != nil {
		w.ui.circle(names)
	}
	if d := w.rules.running; d != nil && d.stale {
		time.AfterFunc(time.Until(d.began.Add(leftAlone)), w.endRun)
	}
	d := w.rules.next(time.Now())
	if d == nil {
		return
	}
	w.ui.pages.working()
	env, err := w.environ()
	ctx, cancel := context.WithCancel(w.ended)
	w.endRun = cancel
	e := errand{line: d.run, files: d.names(), dir: w.o.dir, env: append(env, w.mark)}
	w.running.Go(func() {
		if err == nil {
			err = e.run(ctx, w.scratch)
		}
		r := ran{err, time.Now()}
		pause(ctx, hindsight)
		select {
		case w.errands <- r:
		case <-w.ended.Done():
		}
	})
}

// ran is how the run of a rule came out, and when.
type ran struct {
	err   error
	ended time.Time
}

// ran goes on after the run of a rule.
func (w *watch) ran(r ran) {
	d := w.rules.running
	w.endRun()
	switch {
	case errors.Is(r.err, context.Canceled):
		w.rules.end(r.ended, runCancelled)
	case r.err != nil:
		w.rules.end(r.ended, runFailed)
		w.behind = true
		w.ui.ruleFailed(d, r.err, w.standing())
	default:
		w.rules.end(r.ended, runDone)
		w.ui.ruleDone(d)
	}
	w.proceed()
}

// environ is the environment of the program and of every command.
func (w *watch) environ() ([]string, error) {
	return withFiles(append(os.Environ(), w.ui.pages.environ()...), w.o.dir, w.o.envFiles)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
