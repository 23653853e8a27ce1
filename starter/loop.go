package starter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter/internal/contend"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/ready"
)

// Run starts workers as Reload requests them. It returns when it was stopped, by
// ctx, which has the effect of SIGTERM, or by Signal, and the last worker has
// exited. The sockets are closed then. The error is ErrNoWorker or nil. Run can
// be called once.
//
// Run locks its goroutine to a thread: with Options.KillDescendants, the kernel
// kills the workers when the thread that forked them exits.
func (s *Starter) Run(ctx context.Context) error {
	select {
	case <-s.ended:
		return errors.New("running a starter that was closed")
	default:
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer s.close()
	stopped := ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	orphans := s.orphans()
	for {
		select {
		case c := <-s.reloads:
			s.step(reload{c})
		case t := <-s.timeouts:
			s.step(t)
		case sig := <-s.stops:
			s.step(s.signaled(sig)...)
		case <-s.hangups:
			s.step(s.signaled(syscall.SIGHUP)...)
		case sig := <-s.signals:
			s.step(s.signaled(sig)...)
		case <-stopped:
			stopped = nil // it stays ready
			s.step(stop{s.options.SignalOnTerm})
		case handle := <-s.inbox:
			s.step(handle()...)
		case s.fallback = <-s.fallbacks:
		case <-timer.C:
			s.step(tick{})
		case <-orphans:
			proc.ReapUnknown(s.children())
		}
		s.updateFallback()
		if s.machine.done() {
			s.lastLook()
			return s.result()
		}
		if at := s.machine.next(); at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(at)) // a tick that comes early does nothing
		}
	}
}

func (s *Starter) result() error {
	if s.machine.gaveUp {
		return ErrNoWorker
	}
	return nil
}

// signaled returns the event of a signal, or passes the signal on.
func (s *Starter) signaled(sig syscall.Signal) []event {
	s.options.Report(Event{Kind: Signaled, Signal: sig})
	switch sig {
	case syscall.SIGHUP:
		return []event{reload{}}
	case syscall.SIGTERM:
		return []event{stop{s.options.SignalOnTerm}}
	case syscall.SIGINT:
		return []event{stop{syscall.SIGTERM}}
	}
	if w := s.machine.in(serving); w != nil {
		s.workers[w.Generation].Signal(sig)
	}
	return nil
}

// post makes the loop call handle and step the events that it returns. It reports
// false if the loop has ended. It must not be called from the loop.
func (s *Starter) post(handle func() []event) bool {
	select {
	case s.inbox <- handle:
		return true
	case <-s.ended:
		return false
	}
}

// postEvent posts an event as it is.
func (s *Starter) postEvent(e event) bool { return s.post(func() []event { return []event{e} }) }

// step handles events, one after the other.
func (s *Starter) step(events ...event) {
	for _, e := range events {
		// The exit of a starting worker may not have been received yet. The old worker
		// must not stop for a dead one.
		if w := s.machine.in(starting); w != nil && s.workers[w.Generation] != nil && s.workers[w.Generation].Ended() {
			s.decide(dying{w.Generation})
		}
		s.decide(e)
	}
}

// decide passes an event to the machine, and does what it calls for, in order.
// Events that follow at once, such as a failed start, are passed on at once.
func (s *Starter) decide(e event) {
	todo := s.machine.step(time.Now(), e)
	if ready := s.machine.readyWorkers(); !slices.Equal(ready, s.ready) {
		s.ready = ready
		s.options.ReportWorkers(ready)
	}
	for ; len(todo) > 0; todo = todo[1:] {
		for _, e := range s.do(todo[0]) {
			todo = append(todo, s.machine.step(time.Now(), e)...)
		}
	}
}

// do is the only place that acts. It returns the events that follow at once.
func (s *Starter) do(a action) []event {
	switch a := a.(type) {
	case Event:
		return s.report(a)
	case spawn:
		return s.spawn(a)
	case pry:
		return s.pry(a)
	case drain:
		return s.drain(a.generation)
	case sendSignal:
		if w := s.workers[a.generation]; w != nil { // nil: exited follows
			w.Stop(a.signal)
		}
	case settle:
		for _, address := range s.kept.ReleaseOlder(a.generation) {
			s.options.Report(Event{Kind: SocketReleased, Worker: s.machine.find(a.generation).Worker, Address: address})
		}
		s.changed()
	case forget:
		s.kept.ReleaseOnly(a.generation)
		s.changed()
		s.restorePaths() // the next worker has not been started yet
	case endDetached:
		go func() {
			proc.EndDetached(s.options.EnvMarker, a.left.Generation, a.left.PID, a.grace, s.ended)
			s.postEvent(cleared{})
		}()
	default:
		panic(fmt.Sprintf("unknown action %T", a))
	}
	return nil
}

// report adds to an Event of the machine what the machine does not know, and
// reports it.
func (s *Starter) report(e Event) (events []event) {
	switch e.Kind {
	case Stopping:
		if s.options.CutStreams {
			events = s.sendLast()
		}
	case Completed:
		events = s.findDetached(&e)
	case Serving:
		// The kernel prefers the narrower of two addresses: connections to the released
		// sockets now reach the worker.
		for _, inode := range s.kept.ReleaseOverlapped(e.Worker.Generation) {
			events = append(events, closes{e.Worker.Generation, inode})
		}
		s.changed()
		e.Addresses = s.served(e.Worker.Generation)
	}
	s.options.Report(e)
	if e.Kind == Serving {
		s.promoted(e.Worker)
	}
	return events
}

// served lists the addresses that a worker serves: those of the options, if
// nothing shows which.
func (s *Starter) served(generation int) (addresses []Address) {
	sockets := s.machine.find(generation).serves()
	for _, inode := range s.kept.Streams() {
		if slices.Contains(sockets, inode) {
			addresses = append(addresses, s.kept.Find(inode).BoundAddress())
		}
	}
	if len(sockets) == 0 {
		return s.Addresses()
	}
	return addresses
}

// promoted ends the probes of a worker that serves now, and reports the sockets of
// the options that a worker which has said hello does not use.
func (s *Starter) promoted(w Worker) {
	s.workers[w.Generation].stopProbe()
	s.findPaths(w)
	s.checkPaths()
	if s.machine.find(w.Generation).helloAt.IsZero() {
		return
	}
	for _, socket := range s.kept.Own {
		if !socket.IsStream() {
			continue
		}
		seen := ready.Inspect(w.PID, []uint64{socket.Inode})
		if len(seen.Waits)+len(seen.MayWait) == 0 && seen.Unreadable == nil && !proc.Exiting(w.PID) { // exiting: since Inspect
			s.options.Report(Event{Kind: PortUnused, Worker: w, Address: socket.BoundAddress()})
		}
	}
}

// changed publishes which sockets are kept.
func (s *Starter) changed() {
	sockets := s.kept.Streams()
	s.streams.Store(&sockets)
}

func (s *Starter) spawn(a spawn) []event {
	s.stopFallback()
	s.relistenAll()
	var older *contend.Observer
	if a.observe {
		older = contend.Observe(s.pids())
	}
	start := s.prepare(a.command)
	pace := paced{start.AutoRestart, start.KillOldDelay}
	w, err := s.system.spawn(s, a.generation, a.command, start.Env)
	if err != nil {
		if older != nil {
			older.Close()
		}
		return []event{exited{generation: a.generation, err: err}, pace}
	}
	s.workers[a.generation] = w
	w.contention = older
	s.changed()
	go func() { // ends with the worker
		err := w.Wait()
		s.post(func() []event { return s.exited(a.generation, err) })
	}()
	return []event{started{a.generation, w.PID(), s.kept.Offered()}, pace}
}

// pids lists the running workers.
func (s *Starter) pids() (pids []int) {
	for _, w := range s.workers {
		pids = append(pids, w.PID())
	}
	return pids
}

// exited releases a worker that has exited.
func (s *Starter) exited(generation int, err error) []event {
	w, known := s.workers[generation], s.machine.find(generation)
	e := exited{generation: generation, err: err}
	if w.contention != nil && s.machine.mayContend(known) {
		e.lacks = s.lacks(w, known.Command)
	}
	e.status = w.end()
	delete(s.workers, generation)
	if known.PID != 0 {
		s.lookForLeftovers(known.Worker)
	}
	s.forgetPaths(generation)
	s.checkPaths()
	return []event{e}
}

// pry looks what a starting worker waits for.
func (s *Starter) pry(a pry) []event {
	w := s.workers[a.generation]
	if w == nil || w.contention == nil {
		return nil
	}
	if what := w.contention.WaitsFor(w.PID()); what != "" {
		return []event{contended{a.generation, what}}
	}
	if a.deep {
		return []event{lacking{a.generation, s.lacks(w, s.machine.find(a.generation).Command)}}
	}
	return nil
}

// lacks returns what an older worker holds that w needs, or "".
func (s *Starter) lacks(w *running, c *Command) string {
	output := ""
	if c.LastOutput != nil {
		output = c.LastOutput()
	}
	return w.contention.Needs(w.PID(), output, s.kept.Streams())
}

// warn reports an error that is not about a worker.
func (s *Starter) warn(err error) {
	s.options.Report(Event{Kind: Warning, Err: err})
}

// orphans returns a channel that has a value when a child has exited, if
// Options.ReapOrphans is set.
func (s *Starter) orphans() <-chan os.Signal {
	if !s.options.ReapOrphans {
		return nil
	}
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, syscall.SIGCHLD)
	go func() {
		<-s.ended
		signal.Stop(deaths)
	}()
	return deaths
}

// children lists the processes that this package waits for.
func (s *Starter) children() map[int]bool {
	known := map[int]bool{}
	for _, pid := range s.pids() {
		known[pid] = true
	}
	if s.guard != nil {
		known[s.guard.PID] = true
	}
	return known
}

// sleep reports whether the time has passed before done was closed.
func sleep(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done:
		return false
	}
}
