package starter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter/internal/contend"
	"github.com/hotstart/hotstart/starter/internal/machine"
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
	defer s.Close()
	stopped := ctx.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var orphans <-chan os.Signal
	if s.options.ReapOrphans {
		orphans = proc.ChildExits(s.ended)
	}
	for {
		select {
		case c := <-s.reloads:
			s.step(machine.Reload{Command: identity(c)})
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
			s.step(machine.Stop{Signal: s.options.SignalOnTerm})
		case handle := <-s.inbox:
			s.step(handle()...)
		case s.fallback = <-s.fallbacks:
		case h := <-s.holds:
			s.step(s.hold(h)...)
		case <-timer.C:
			s.step(machine.Tick{})
		case <-orphans:
			proc.ReapUnknown(s.children())
		}
		s.updateFallback()
		if s.machine.Done() {
			s.lastLook()
			if s.machine.GaveUp() {
				return ErrNoWorker
			}
			return nil
		}
		if at := s.machine.Next(); at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(at)) // a tick that comes early does nothing
		}
	}
}

// signaled returns the event of a signal, or passes the signal on.
func (s *Starter) signaled(sig syscall.Signal) []machine.Event {
	s.options.Report(Event{Kind: Signaled, Signal: sig})
	switch sig {
	case syscall.SIGHUP:
		return []machine.Event{machine.Reload{}}
	case syscall.SIGTERM:
		return []machine.Event{machine.Stop{Signal: s.options.SignalOnTerm}}
	case syscall.SIGINT:
		return []machine.Event{machine.Stop{Signal: syscall.SIGTERM}}
	}
	if w, ok := s.machine.Serving(); ok {
		s.workers[w.Generation].Signal(sig)
	}
	return nil
}

// post makes the loop call handle and step the events that it returns. It reports
// false if the loop has ended. It must not be called from the loop.
func (s *Starter) post(handle func() []machine.Event) bool {
	select {
	case s.inbox <- handle:
		return true
	case <-s.ended:
		return false
	}
}

// postEvent posts an event as it is.
func (s *Starter) postEvent(e machine.Event) bool {
	return s.post(func() []machine.Event { return []machine.Event{e} })
}

// step handles events, one after the other.
func (s *Starter) step(events ...machine.Event) {
	for _, e := range events {
		// The exit of a starting worker may not have been received yet. The old worker
		// must not stop for a dead one.
		if w, ok := s.machine.Starting(); ok && s.workers[w.Generation] != nil && s.workers[w.Generation].Ended() {
			s.decide(machine.Dying(w.Generation))
		}
		s.decide(e)
	}
}

// decide passes an event to the machine, and does what it calls for, in order.
// Events that follow at once, such as a failed start, are passed on at once.
func (s *Starter) decide(e machine.Event) {
	todo := s.machine.Step(time.Now(), e)
	if ready := workersOf(s.machine.ReadyWorkers()); !slices.Equal(ready, s.ready) {
		s.ready = ready
		s.options.ReportWorkers(ready)
	}
	for ; len(todo) > 0; todo = todo[1:] {
		for _, e := range s.do(todo[0]) {
			todo = append(todo, s.machine.Step(time.Now(), e)...)
		}
	}
}

// do is the only place that acts. It returns the events that follow at once.
func (s *Starter) do(a machine.Action) []machine.Event {
	switch a := a.(type) {
	case machine.Report:
		return s.report(eventOf(a))
	case machine.Spawn:
		return s.spawn(a)
	case machine.Pry:
		return s.pry(a)
	case machine.Drain:
		return s.drain(a.Generation)
	case machine.Signal:
		if w := s.workers[a.Generation]; w != nil { // nil: it has exited
			w.Stop(a.Signal)
		}
	case machine.Settle:
		for _, address := range s.kept.ReleaseOlder(a.Generation) {
			s.options.Report(Event{Kind: SocketReleased, Worker: s.worker(a.Generation), Address: address})
		}
		s.changed()
	case machine.Forget:
		s.kept.ReleaseOnly(a.Generation)
		s.changed()
		s.restorePaths() // the next worker has not been started yet
	case machine.EndDetached:
		go func() {
			proc.EndDetached(s.options.EnvMarker, a.Left.Generation, a.Left.PID, a.Grace, s.ended)
			s.postEvent(machine.Cleared{})
		}()
	default:
		panic(fmt.Sprintf("unknown action %T", a))
	}
	return nil
}

// report adds to an Event of the machine what the machine does not know, and
// reports it.
func (s *Starter) report(e Event) (events []machine.Event) {
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
			events = append(events, machine.Closes{Worker: e.Worker.Generation, Socket: inode})
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
	sockets := s.machine.Serves(generation)
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
	if !s.machine.SaidHello(w.Generation) {
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

// Accepting reports whether a worker may still accept connections on a socket
// that is kept: an old worker does for some milliseconds after the new one has
// become ready. It returns an error if the system does not show that. It may be
// called from any goroutine.
func (s *Starter) Accepting(w Worker) (bool, error) {
	if _, said := s.stopped.Load(w.PID); said { // its sockets look as before
		return false, nil
	}
	seen := ready.Inspect(w.PID, *s.streams.Load())
	return len(seen.Waits)+len(seen.MayWait) > 0, seen.Unreadable
}

// changed publishes which sockets are kept.
func (s *Starter) changed() {
	sockets := s.kept.Streams()
	s.streams.Store(&sockets)
}

func (s *Starter) spawn(a machine.Spawn) []machine.Event {
	s.stopFallback()
	s.relistenAll()
	var older *contend.Observer
	if a.Observe {
		older = contend.Observe(s.pids())
	}
	c := commandOf(a.Command)
	start := s.prepare(c)
	pace := machine.Pace{AutoRestart: start.AutoRestart, KillOldDelay: start.KillOldDelay}
	w, err := s.startWorker(s, a.Generation, c, start.Env)
	if err != nil {
		if older != nil {
			older.Close()
		}
		return []machine.Event{machine.HasExited{Worker: a.Generation, Err: err}, pace}
	}
	s.workers[a.Generation] = w
	w.contention = older
	s.changed()
	go func() { // ends with the worker
		err := w.Wait()
		s.post(func() []machine.Event { return s.exited(a.Generation, err) })
	}()
	return []machine.Event{machine.Started{Worker: a.Generation, PID: w.PID(), Offered: s.kept.Offered()}, pace}
}

// pids lists the running workers.
func (s *Starter) pids() (pids []int) {
	for _, w := range s.workers {
		pids = append(pids, w.PID())
	}
	return pids
}

// exited releases a worker that has exited. err is why its program did not run.
func (s *Starter) exited(generation int, err error) []machine.Event {
	w, known, lacks := s.workers[generation], s.worker(generation), ""
	if err == nil && w.contention != nil && s.machine.MayContend(generation) {
		lacks = s.lacks(w, known.Command)
	}
	status := w.end()
	delete(s.workers, generation)
	delete(s.held, generation)
	s.stopped.Delete(known.PID)
	if known.PID != 0 {
		s.lookForLeftovers(known)
	}
	s.forgetPaths(generation)
	s.checkPaths()
	return []machine.Event{machine.HasExited{Worker: generation, Status: status, Err: err, Lacks: lacks}}
}

// pry looks what a starting worker waits for.
func (s *Starter) pry(a machine.Pry) []machine.Event {
	w := s.workers[a.Generation]
	if w == nil || w.contention == nil {
		return nil
	}
	if what := w.contention.WaitsFor(w.PID()); what != "" {
		return []machine.Event{machine.WaitsFor{Worker: a.Generation, Resource: what}}
	}
	if a.Deep {
		return []machine.Event{machine.Lacks{Worker: a.Generation, Resource: s.lacks(w, s.worker(a.Generation).Command)}}
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

// children lists the processes that this package waits for.
func (s *Starter) children() []int {
	if s.guard == nil {
		return s.pids()
	}
	return append(s.pids(), s.guard.PID)
}
