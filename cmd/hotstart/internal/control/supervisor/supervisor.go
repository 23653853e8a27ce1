// Package supervisor answers the clients of the control socket of hotstart run. It
// follows the events of the starter, and asks for reloads by the signal that a person
// would send.
package supervisor

import (
	"context"
	"sync"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/handover"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/logfile"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/roster"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/starter"
)

// Starter is the part of a starter.Starter that a Supervisor uses.
type Starter interface {
	handover.Starter
	Addresses() []starter.Address
	Signal(syscall.Signal)
}

// Supervisor implements control.Controlled. Make it with New. Its methods may be called
// from any goroutine.
type Supervisor struct {
	instance control.Instance
	starter  Starter
	keepsOld bool // old workers accept connections for some time, which the user wants
	drops    int64
	output   Output
	events   *control.Feed

	mu       sync.Mutex
	roster   roster.Roster
	newest   int // generation
	failure  *control.Failure
	pending  bool // a worker is about to be started
	stopping bool
	waits    map[*wait]bool
	changed  chan struct{} // closed at the next event
}

// Output is where the program writes.
type Output struct {
	Paths     func(pids []int) []string // of the files that processes write to
	Elsewhere error                     // for clients, if no path is that of a regular file
	Clean     func(line string) string  // removes what is only for terminals
}

// wait is a client that waits for a reload.
type wait struct {
	requested bool // the starter has got the request
	after     int  // generation of the newest worker at that time; the next one counts
	result    chan control.Outcome
}

const maxEventBytes = 256 << 10

// New returns a supervisor. keepsOld says that old workers keep serving for some time
// after a reload.
func New(i control.Instance, s Starter, keepsOld bool, output Output) *Supervisor {
	drops, _ := control.ListenDrops()
	return &Supervisor{
		instance: i, starter: s, keepsOld: keepsOld, drops: drops, output: output, events: control.NewFeed(maxEventBytes),
		waits: map[*wait]bool{}, changed: make(chan struct{}),
	}
}

// Handle follows an event of the starter.
func (s *Supervisor) Handle(e starter.Event) {
	now := time.Now()
	report.Objects{To: s.events.Add}.Handle(report.Supervised{Event: e})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roster.Handle(now, e)
	s.follow(now, e)
	for w := range s.waits {
		s.advance(w, e)
	}
	s.newest = max(s.newest, e.Worker.Generation)
	close(s.changed)
	s.changed = make(chan struct{})
}

// follow notes what an event says about the newest program.
func (s *Supervisor) follow(now time.Time, e starter.Event) {
	switch e.Kind {
	case starter.Signaled:
		s.pending = s.pending || e.Signal == syscall.SIGHUP
		s.stopping = s.stopping || e.Signal == syscall.SIGTERM || e.Signal == syscall.SIGINT
	case starter.Starting:
		s.pending = false
	case starter.Serving:
		s.failure = nil
	case starter.Failed, starter.TimedOut:
		s.fail(now, control.StartFailed, e)
	case starter.GaveUp:
		s.pending = false
		s.fail(now, control.StartFailed, e)
	case starter.Crashed, starter.RolledBack:
		s.pending = s.pending || e.Restarting
		s.fail(now, control.Crashed, e)
	}
}

func (s *Supervisor) fail(now time.Time, why control.Reason, e starter.Event) {
	f := control.Failure{Reason: why, Message: e.String(), Since: now}
	if before := s.failure; before != nil && before.Reason == why {
		f.Since = before.Since
	}
	s.failure = &f
}

// advance answers a wait, if an event decides it.
func (s *Supervisor) advance(w *wait, e starter.Event) {
	newer := w.requested && e.Worker.Generation > w.after
	switch {
	case s.stopping:
		s.answer(w, control.Ends)
	case e.Kind == starter.Signaled && e.Signal == syscall.SIGHUP && !w.requested:
		w.requested, w.after = true, s.newest
	case !newer:
	case e.Kind == starter.Serving:
		s.answer(w, control.Served)
	case e.Kind == starter.Failed, e.Kind == starter.TimedOut, e.Kind == starter.GaveUp:
		s.answer(w, control.Failed)
	}
}

func (s *Supervisor) answer(w *wait, o control.Outcome) {
	delete(s.waits, w)
	w.result <- o
}

// Status implements control.Controlled.
func (s *Supervisor) Status(context.Context) (control.Status, error) {
	s.mu.Lock()
	st := s.status()
	s.mu.Unlock()
	st.Draining = handover.Describe(s.starter, st.Draining)
	return st, nil
}

func (s *Supervisor) status() control.Status {
	st := control.Status{
		Instance: s.instance, State: s.state(), Failure: s.failure,
		Serving: s.roster.Serving, Starting: s.roster.Starting, Draining: s.roster.Draining, Counters: s.roster.Counters,
	}
	for _, a := range s.starter.Addresses() {
		st.Addresses = append(st.Addresses, report.URL(a))
	}
	if drops, ok := control.ListenDrops(); ok {
		drops -= s.drops
		st.Counters.Drops = &drops
	}
	return st
}

func (s *Supervisor) state() control.State {
	switch {
	case s.stopping:
		return control.Stopping
	case s.pending || s.roster.Starting != nil:
		return control.Starting
	case s.failure != nil:
		return control.Failing
	case s.roster.Serving != nil:
		return control.Serving
	}
	return control.Starting
}

// Wait implements control.Controlled: hotstart run watches no files, so it waits until
// every reload that was requested has ended.
func (s *Supervisor) Wait(ctx context.Context) (control.Result, error) {
	for {
		s.mu.Lock()
		state, changed := s.state(), s.changed
		s.mu.Unlock()
		switch state {
		case control.Stopping:
			return s.result(control.Ends), nil
		case control.Failing:
			return s.result(control.Failed), nil
		case control.Serving:
			s.handover(ctx)
			return s.result(control.Served), context.Cause(ctx)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return control.Result{}, context.Cause(ctx)
		}
	}
}

// Reload implements control.Controlled. hotstart run does not build: a reload is a
// restart.
func (s *Supervisor) Reload(ctx context.Context, how control.Reload) (r control.Result, err error) {
	began, w := time.Now(), &wait{result: make(chan control.Outcome, 1)}
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return control.Result{}, control.ErrEnds
	}
	if how.Wait {
		s.waits[w] = true
	}
	s.mu.Unlock()
	if !how.Wait {
		s.starter.Signal(syscall.SIGHUP)
		return s.result(control.Accepted), nil
	}
	drops := control.CountSocketDrops()
	s.starter.Signal(syscall.SIGHUP)
	select {
	case o := <-w.result:
		if r = s.result(o); o != control.Served {
			return r, nil
		}
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.waits, w)
		s.mu.Unlock()
		return r, context.Cause(ctx)
	}
	s.handover(ctx)
	if r.Serving == nil { // it has crashed at once
		return s.result(control.Failed), nil
	}
	r.Receipt = &control.Receipt{Generation: r.Serving.Generation, ReadyMS: milliseconds(r.Serving.Since.Sub(began))}
	if how.Drained {
		if err := s.awaitDrained(ctx, r.Serving.Generation); err != nil {
			return r, err
		}
		drained := milliseconds(time.Since(r.Serving.Since))
		r.Receipt.DrainedMS = &drained
	}
	if n, ok := control.CountSocketDrops().Since(drops); ok {
		r.Receipt.Drops = &n
	}
	return r, context.Cause(ctx)
}

// handover waits until no old worker accepts connections, unless the user wants them to.
func (s *Supervisor) handover(ctx context.Context) {
	s.mu.Lock()
	old := s.roster.Draining
	s.mu.Unlock()
	if !s.keepsOld {
		handover.Await(ctx, s.starter, old)
	}
}

func (s *Supervisor) awaitDrained(ctx context.Context, generation int) error {
	for {
		s.mu.Lock()
		drained, changed := s.roster.Drained(generation), s.changed
		s.mu.Unlock()
		if drained {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Supervisor) result(o control.Outcome) control.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status()
	return control.Result{Outcome: o, State: st.State, Serving: st.Serving, Failure: st.Failure}
}

// Stop implements control.Controlled.
func (s *Supervisor) Stop(context.Context) error {
	s.starter.Signal(syscall.SIGTERM)
	return nil
}

// Events implements control.Controlled.
func (s *Supervisor) Events() control.Source { return s.events }

// Lines implements control.Controlled. The output of workers does not pass through
// hotstart run: it is known only if it goes to a file.
func (s *Supervisor) Lines() (control.Source, error) {
	files := logfile.Files{Paths: s.outputs, Clean: s.output.Clean}
	exist, err := files.Check()
	if err == nil && !exist {
		err = s.output.Elsewhere
	}
	return files, err
}

// outputs returns the paths of the files that processes write to, those of older workers
// first.
func (s *Supervisor) outputs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pids []int
	for _, w := range s.roster.Draining {
		pids = append(pids, w.PID)
	}
	for _, w := range []*control.Worker{s.roster.Serving, s.roster.Starting} {
		if w != nil {
			pids = append(pids, w.PID)
		}
	}
	return s.output.Paths(append(pids, s.instance.PID))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
