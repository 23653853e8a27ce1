package main

import (
	"context"
	"errors"
	"fmt"
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
	// A rule that takes so long is named while it runs, as builds are.
	slowRule = time.Second
)

// runRules begins the run of the rule that is next, if there is one, and has
// one end that runs for what has changed again.
func (w *watch) runRules() {
	if names := w.rules.circle(); names != nil {
		w.ui.circle(names)
	}
	if d := w.rules.running; d != nil && d.stale && d.cancelled < maxCancelled {
		time.AfterFunc(time.Until(d.began.Add(leftAlone)), w.endRun)
	}
	d := w.rules.next(time.Now())
	if d == nil {
		return
	}
	w.ui.pages.working()
	w.slowRule = time.After(slowRule)
	env, err := w.environ()
	ctx, cancel := context.WithCancel(w.ended)
	w.endRun = cancel
	e := errand{line: d.run, files: d.names(), dir: w.o.dir, env: append(env, w.mark)}
	w.running.Go(func() {
		if err == nil {
			err = e.run(ctx, w.scratch)
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
		w.ui.afterFailed(r)
		fallthrough
	case r.after != "":
		w.churn.settles(time.Now())
		return
	}
	d := w.rules.running
	w.endRun()
	w.slowRule = nil
	w.ui.progressed(w.standing())
	for file := range d.given {
		if info, err := os.Stat(file); err == nil {
			w.rules.wrote(file, info.ModTime())
		}
	}
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

// runAfter runs the commands that follow a start, and ends those of the one
// before.
func (w *watch) runAfter() {
	if w.endAfter != nil {
		w.endAfter()
	}
	env, err := w.environ()
	if len(w.o.afterReady) == 0 || w.stopping || err != nil {
		return
	}
	ctx, cancel := context.WithCancel(w.ended)
	w.endAfter = cancel
	env = append(env, w.mark, fmt.Sprint("HOTSTART_GENERATION=", w.worker.Generation), fmt.Sprint("HOTSTART_PID=", w.worker.PID),
		"HOTSTART_URL="+w.ui.firstURL())
	lines, dir := w.o.afterReady, w.o.dir // hotstart.toml may change meanwhile
	w.running.Go(func() {
		w.ui.Flush()
		for _, line := range lines {
			err := errand{line: line, dir: dir, env: env, out: os.Stderr}.run(ctx, w.scratch)
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
	w.ui.Flush()
	for _, line := range w.o.onStop {
		if err := (errand{line: line, dir: w.o.dir, env: append(env, w.mark), out: os.Stderr}).run(ctx, w.scratch); err != nil {
			return fmt.Errorf("--on-stop: %s: %w", rule{run: line}.title(), err)
		}
	}
	return nil
}
