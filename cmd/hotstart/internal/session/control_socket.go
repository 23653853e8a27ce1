package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/handover"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/roster"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/metrics"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/machine"
	"github.com/hotstart/hotstart/starter"
)

// controlSocket answers the clients of the control socket. Its roster belongs to the
// goroutine of the loop, which answers every question.
type controlSocket struct {
	loop      *loop
	server    *control.Server // nil: there is none
	questions chan func()     // what the loop is to do between two events
	instance  control.Instance
	roster    roster.Roster
	metrics   *metrics.Metrics
	drops     int64 // of listen queues, when the session began
	log       *report.Log
	events    *control.Feed
	lines     *control.Feed
	asked     int                         // waits that have begun
	answers   map[int]chan control.Result // of waits that are not answered
	changed   chan struct{}               // closed at the next event of a worker
}

const (
	maxEventBytes = 256 << 10
	maxLineBytes  = 1 << 20
)

// listen opens the control socket. A session whose socket was not asked for runs without
// it if that fails: another hotstart may watch the same folder.
func (l *loop) listen(log *report.Log) error {
	c := &controlSocket{
		loop: l, questions: make(chan func()), log: log, metrics: metrics.New(l.o.Version, time.Now()),
		answers: map[int]chan control.Result{}, changed: make(chan struct{}),
		events: control.NewFeed(maxEventBytes), lines: control.NewFeed(maxLineBytes),
		instance: control.Instance{
			PID: os.Getpid(), Mode: control.Watch, Version: l.o.Version, Dir: l.o.Dir, Name: l.o.Control.Name, Began: time.Now(),
		},
	}
	l.control = c
	c.drops, _ = control.ListenDrops()
	place := l.o.Control
	place.Dir = l.o.Dir
	if place.Path == control.Off {
		return nil
	}
	if place.Path != "" && !filepath.IsAbs(place.Path) {
		place.Path = filepath.Join(place.Dir, place.Path)
	}
	listener, err := control.Listen(place)
	if err != nil && (place.Path != "" || place.Name != "") {
		return err
	}
	if err != nil {
		log.Handle(report.Notef("%v; hotstart status does not show this session (--name=NAME would)", err))
		return nil
	}
	c.server = control.NewServer(c, c.metrics)
	c.server.Serve(listener)
	return nil
}

func (c *controlSocket) close() {
	if c.server != nil {
		c.server.Close()
	}
}

// ask calls a function between two events of the loop.
func (c *controlSocket) ask(ctx context.Context, question func()) error {
	answered := make(chan struct{})
	select {
	case c.questions <- func() { question(); close(answered) }:
		<-answered
		return nil
	case <-c.loop.ctx.Done():
		return control.ErrEnds
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// countBuild counts a build that has ended.
func (c *controlSocket) countBuild(b machine.Built) {
	var broken *builder.BuildError
	if errors.Is(b.Err, context.Canceled) {
		return
	}
	c.roster.Counters.Builds++
	if errors.As(b.Err, &broken) {
		c.roster.Counters.BuildsFailed++
	}
}

// Status implements control.Controlled.
func (c *controlSocket) Status(ctx context.Context) (s control.Status, err error) {
	if err = c.ask(ctx, func() { s = c.status() }); err == nil {
		s.Draining = handover.Describe(c.loop.starter, s.Draining)
	}
	return s, err
}

// Wait implements control.Controlled.
func (c *controlSocket) Wait(ctx context.Context) (control.Result, error) {
	return c.wait(ctx, func() {})
}

// wait waits until what is on disk is served, from the moment after before.
func (c *controlSocket) wait(ctx context.Context, before func()) (control.Result, error) {
	result, id := make(chan control.Result, 1), 0
	err := c.ask(ctx, func() {
		before()
		c.asked++
		id = c.asked
		c.answers[id] = result
		c.loop.step(machine.Asked{ID: id})
	})
	if err != nil {
		return control.Result{}, err
	}
	select {
	case r := <-result:
		return r, nil
	case <-c.loop.ctx.Done():
		return control.Result{Outcome: control.Ends, State: control.Stopping}, nil
	case <-ctx.Done():
		c.ask(context.Background(), func() {
			delete(c.answers, id)
			c.loop.step(machine.Withdrawn{ID: id})
		})
		return control.Result{}, context.Cause(ctx)
	}
}

// answer answers a wait. Called by the loop.
func (c *controlSocket) answer(a machine.Answer) {
	if result := c.answers[a.ID]; result != nil {
		delete(c.answers, a.ID)
		result <- c.result(a.Outcome)
	}
}

func (c *controlSocket) result(o control.Outcome) control.Result {
	s := c.status()
	r := control.Result{Outcome: o, State: s.State, Serving: s.Serving, Failure: s.Failure}
	if o == control.Failed && r.Failure == nil {
		r.Failure = c.unknown()
	}
	return r
}

// unknown is the failure of a wait without a failure of the code.
func (c *controlSocket) unknown() *control.Failure {
	if err := c.loop.machine.Summary().Unwatched; err != nil {
		return &control.Failure{Reason: control.NotWatched, Message: err.Error(), Since: time.Now()}
	}
	return &control.Failure{
		Reason: control.NothingRuns, Message: "no program has been started; hotstart waits for a change", Since: time.Now(), Hint: "hotstart reload",
	}
}

// Reload implements control.Controlled.
func (c *controlSocket) Reload(ctx context.Context, how control.Reload) (r control.Result, err error) {
	began, drops := time.Now(), control.CountSocketDrops()
	request := func() { c.loop.step(machine.ReloadAsked{Restart: how.Restart}) }
	if !how.Wait {
		err = c.ask(ctx, func() {
			request()
			r = control.Result{Outcome: control.Accepted, State: c.status().State}
		})
		return r, err
	}
	if r, err = c.wait(ctx, request); err != nil || r.Outcome != control.Served || r.Serving == nil {
		return r, err
	}
	r.Receipt = &control.Receipt{Generation: r.Serving.Generation, ReadyMS: milliseconds(r.Serving.Since.Sub(began))}
	if how.Drained {
		if err := c.awaitDrained(ctx, r.Serving.Generation); err != nil {
			return r, err
		}
		drained := milliseconds(time.Since(r.Serving.Since))
		r.Receipt.DrainedMS = &drained
	}
	if n, ok := control.CountSocketDrops().Since(drops); ok {
		r.Receipt.Drops = &n
	}
	return r, nil
}

// awaitDrained returns when no worker is left that is older than a generation.
func (c *controlSocket) awaitDrained(ctx context.Context, generation int) error {
	for {
		var drained bool
		var changed <-chan struct{}
		err := c.ask(ctx, func() { drained, changed = c.roster.Drained(generation), c.changed })
		if drained || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.loop.ctx.Done():
			return nil
		}
	}
}

// follow follows a worker. Called by the loop.
func (c *controlSocket) follow(e starter.Event) {
	now := time.Now()
	c.roster.Handle(now, e)
	c.metrics.Handle(now, e)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Stop implements control.Controlled.
func (c *controlSocket) Stop(ctx context.Context) error {
	err := c.ask(ctx, func() { c.loop.step(machine.StopAsked{}) })
	if errors.Is(err, control.ErrEnds) {
		return nil // as asked
	}
	return err
}

// confirm reports changes that the kernel has not reported yet, and waits until no old
// worker accepts connections.
func (e *effects) confirm() {
	old := e.control.roster.Draining // an event replaces the list
	e.tasks.Go(func() {
		if e.watcher.Flush(e.ctx) != nil {
			return // the session ends
		}
		handover.Await(e.ctx, e.starter, old)
		e.send(machine.Confirmed{})
	})
}

// Events implements control.Controlled.
func (c *controlSocket) Events() control.Source { return c.events }

// Lines implements control.Controlled.
func (c *controlSocket) Lines() (control.Source, error) { return c.lines, nil }

// status returns the state of the session. Called by the loop.
func (c *controlSocket) status() control.Status {
	now := c.loop.machine.Summary()
	s := control.Status{
		Instance: c.instance, State: now.State,
		Serving: c.roster.Serving, Starting: c.roster.Starting, Draining: c.roster.Draining,
		Counters: c.roster.Counters,
	}
	if s.Serving != nil && now.Program != nil {
		w := *s.Serving
		built := now.Program.Began()
		w.Built, w.BuildMS = &built, milliseconds(now.Program.Binary.Duration)
		s.Serving = &w
	}
	if now.Program != nil {
		s.Build = c.buildOf(now.Program.Binary)
	}
	for _, a := range now.Addresses {
		s.Addresses = append(s.Addresses, report.URL(a))
	}
	if s.State == control.Failing {
		s.Failure = c.failure(now)
	}
	if drops, ok := control.ListenDrops(); ok {
		drops -= c.drops
		s.Counters.Drops = &drops
	}
	return s
}

// buildOf returns how a binary was built, and what makes the next build fast.
func (c *controlSocket) buildOf(x *builder.Binary) *control.Build {
	delta, reason, disabled := c.loop.builder.NextLink()
	return &control.Build{LinkedBy: string(x.LinkedBy), Delta: control.Delta{Ready: delta, Reason: firstLine(reason)}, Reason: firstLine(disabled)}
}

// firstLine returns the first line of an error's text; "" for nil.
func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// failure returns the failure of a summary for clients.
func (c *controlSocket) failure(now machine.Summary) *control.Failure {
	if now.Failure == nil {
		return &control.Failure{Reason: control.SettingsInvalid, Message: now.Settings.Error(), Since: now.Since}
	}
	d := report.DetailsOf(now.Failure, c.log.View)
	f := &control.Failure{Reason: reasonOf(now.Failure), Message: d.Message, Since: now.Since, Command: d.Command, Output: d.Output}
	for _, p := range d.Problems {
		f.Diagnostics = append(f.Diagnostics, control.Diagnostic{
			File: p.File, Line: p.Line, Column: p.Column, Message: p.Message, Panic: f.Reason == control.StartFailed || f.Reason == control.Crashed,
		})
	}
	return f
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func reasonOf(f report.Event) control.Reason {
	switch f := f.(type) {
	case report.BuildFailed, report.BuildImpossible:
		return control.BuildFailed
	case report.RuleFailed:
		return control.RuleFailed
	case report.StartFailed, report.EnvFileFailed:
		return control.StartFailed
	case report.Ended:
		if f.Event.Kind == starter.Completed {
			return control.NothingRuns
		}
	}
	return control.Crashed
}
