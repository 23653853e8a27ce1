package session

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
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
	listener  *control.Listener // nil: there is none
	server    *control.Server
	questions chan func() // what the loop is to do between two events
	instance  control.Instance
	roster    roster.Roster
	metrics   *metrics.Metrics
	view      report.View
	events    *control.Feed
	lines     *control.Feed
}

const (
	maxEventBytes = 256 << 10
	maxLineBytes  = 1 << 20
)

// listen opens the control socket. Without one, the session runs all the same: another
// hotstart may watch the same folder.
func (l *loop) listen(v report.View) *controlSocket {
	c := &controlSocket{
		loop: l, questions: make(chan func()), view: v, metrics: metrics.New(l.o.Version, time.Now()),
		events: control.NewFeed(maxEventBytes), lines: control.NewFeed(maxLineBytes),
		instance: control.Instance{
			PID: os.Getpid(), Mode: control.Watch, Version: l.o.Version, Dir: l.o.Dir, Name: l.o.Control.Name, Began: time.Now(),
		},
	}
	place := l.o.Control
	place.Dir = l.o.Dir
	listener, err := control.Listen(place)
	if err != nil {
		l.log.Handle(report.Notef("%v; hotstart status does not show this session", err))
		return c
	}
	l.sinks = append(l.sinks, report.Objects{View: v, To: c.events.Add})
	c.listener, c.server = listener, control.NewServer(c, c.metrics)
	go c.server.Serve(listener) // ends when the server is closed
	return c
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
		return errors.New("hotstart ends")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// handle follows an event of the starter.
func (c *controlSocket) handle(now time.Time, e starter.Event) {
	c.roster.Handle(now, e)
	c.metrics.Handle(now, e)
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
	return s, c.ask(ctx, func() { s = c.status() })
}

// Wait implements control.Controlled.
func (c *controlSocket) Wait(ctx context.Context) (control.Result, error) {
	return control.Result{}, errors.New("waiting is not supported yet")
}

// Reload implements control.Controlled.
func (c *controlSocket) Reload(ctx context.Context, r control.Reload) (control.Result, error) {
	return control.Result{}, errors.New("reloading is not supported yet")
}

// Stop implements control.Controlled.
func (c *controlSocket) Stop(ctx context.Context) error {
	return errors.New("stopping is not supported yet")
}

// Events implements control.Controlled.
func (c *controlSocket) Events() *control.Feed { return c.events }

// Lines implements control.Controlled.
func (c *controlSocket) Lines() *control.Feed { return c.lines }

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
		w.Built, w.BuildMS = &built, float64(now.Program.Binary.Duration.Microseconds())/1000
		s.Serving = &w
	}
	for _, a := range now.Addresses {
		s.Addresses = append(s.Addresses, report.URL(a))
	}
	if now.State == control.Failing {
		s.Failure = c.failure(now)
	}
	return s
}

// failure returns the failure of a summary for clients.
func (c *controlSocket) failure(now machine.Summary) *control.Failure {
	d := report.DetailsOf(now.Failure, c.view)
	f := &control.Failure{Message: d.Message, Since: now.Since, Command: d.Command, Output: d.Output}
	f.Reason = reasonOf(now.Failure)
	for _, p := range d.Problems {
		f.Diagnostics = append(f.Diagnostics, control.Diagnostic{
			File: p.File, Line: p.Line, Column: p.Column, Message: p.Message, Panic: f.Reason == control.StartFailed || f.Reason == control.Crashed,
		})
	}
	return f
}

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
