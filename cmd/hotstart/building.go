package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
)

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

// build starts a build. One that is under way is of code that is out of
// date: it is cancelled.
func (w *watch) build() {
	if w.cancel != nil {
		w.cancel()
		w.churn.cancels()
	}
	if w.uncheck != nil {
		w.uncheck()
	}
	w.fallback(false)
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
		w.emit(report.Warning{Text: l.err.Error()})
		return nil
	}
	gone := w.graph != nil && slices.Equal(w.graph.Missing, l.graph.Missing) // for good: another build would find the same
	w.graph = l.graph
	if len(l.graph.Missing) > 0 && !gone {
		for _, file := range l.graph.Missing {
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
	w.endProgress()
	if w.finished++; w.finished == 1 && cli.Code(b.err) == cli.Misuse {
		return b.err
	}
	w.churn.finishes()
	changed := w.takeChanged()
	maps.Copy(w.changed, w.later)
	clear(w.later)
	if w.finished > 1 && w.o.Clear != session.ClearNever {
		w.screen.Clear(w.o.Clear == session.ClearAll)
	}
	// A list that is under way may have read what was there before.
	if len(changed) > 0 && (w.graph == nil || w.listing || w.graph.Outdated(changed)) {
		w.list(b.began)
	}
	w.came(b, changed)
	w.check(b)
	if w.waits {
		w.waits = false
		w.proceed()
	}
	return nil
}

// calm is how long nothing must be built before the machine is free for a check.
const calm = time.Second

// check has the go command build what was built without it, until the next build.
func (w *watch) check(b built) {
	if b.binary == nil || !b.binary.FastBuild {
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
		w.emit(report.FastBuildDiffered{})
		w.came(b, nil)
	}
}

// came goes on with what a build came to.
func (w *watch) came(b built, changed []string) {
	w.behind = b.err != nil
	var broken *builder.BuildError
	switch {
	case errors.As(b.err, &broken):
		w.emit(report.BuildFailed{Cause: w.cause(changed), Errors: broken.Diagnostics, Current: w.standing()})
		w.outlast(broken.Temporary)
	case b.err != nil:
		w.emit(report.BuildImpossible{Changed: changed, Err: b.err, Current: w.standing()})
	case w.runs(b.binary) && !w.forced:
		w.emit(report.Unchanged{Worker: w.newest(), Cause: w.cause(changed), Took: b.binary.Duration, Fixed: w.failing()})
		w.refresh()
		discard(b.binary)
	default:
		w.forced = false
		w.start(&attempt{binary: b.binary, adopted: w.tellAdopted(), changed: changed, began: b.began})
	}
}

// outlast builds again when the temporary files are gone that may have broken
// the last build, unless there is a newer build by then.
func (w *watch) outlast(files []string) {
	if len(files) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(w.ended)
	w.uncheck = cancel
	lies := func(file string) bool { // maybe as a link that leads nowhere
		_, err := os.Lstat(file)
		return err == nil
	}
	w.running.Go(func() {
		for slices.ContainsFunc(files, lies) {
			if pause(ctx, 100*time.Millisecond); ctx.Err() != nil {
				return
			}
		}
		select {
		case w.passed <- struct{}{}:
		case <-ctx.Done():
		}
	})
}

// runs reports whether a binary is that of the newest worker, which has not ended.
func (w *watch) runs(b *builder.Binary) bool {
	return w.target != nil && !w.target.ended && w.target.binary.SameContent(b)
}
