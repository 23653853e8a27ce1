package starter

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/ready"
	"github.com/hotstart/hotstart/starter/internal/sock"
)

// ErrNoWorker is the error of Run if it gave up starting workers and no worker
// runs any more.
var ErrNoWorker = errors.New("no worker could be started")

// A Starter owns its sockets and workers. Make it with New.
type Starter struct {
	options Options
	listens []Address
	machine machine
	kept    sock.Table
	streams atomic.Pointer[[]uint64] // inodes of the kept stream sockets, for the goroutines that look at workers
	system  system
	workers map[int]*running
	// workers that have ended and whose leftovers have not been looked for yet
	unlooked map[int]Worker
	detacher Worker // has ended, and what it left is still to be ended; zero: none
	clearing bool   // that is done now, and the next reload waits
	guard    *proc.Guard
	monitor  *sock.Monitor
	proven   []Worker // the latest list of Options.ReportWorkers

	sightings []sighting

	fallback       func(net.Conn)       // handles connections while no worker runs; nil: they wait
	fallbackServer *sock.FallbackServer // nil: it does not run

	reloads   chan *Command       // the latest that is not begun
	limits    chan rules          // the latest that do not hold yet
	fallbacks chan func(net.Conn) // the latest that is not in effect
	stops     chan syscall.Signal // TERM and INT: the first stops, the second kills, more mean nothing
	hangups   chan struct{}       // HUP, coalesced
	signals   chan syscall.Signal // the others, for the workers
	inbox     chan any            // what goroutines have to tell the loop
	ended     chan struct{}       // closed when nobody reads inbox any more
	closing   sync.Once
}

// system is what the loop needs of the world; tests put their own in.
type system struct {
	// spawn starts a worker, and arranges for what it says to be sent.
	spawn func(s *Starter, generation int, c *Command, env []string) (*running, error)
}

// New opens the sockets. The error is an *InUseError, a *PrivilegeError, an
// *UnusedSocketError or a *FormatError where one of these fits, and then nothing
// is left open.
func New(o Options) (*Starter, error) {
	addresses, err := o.addresses()
	if err != nil {
		return nil, err
	}
	if o.KillDescendants && !o.CanReexec {
		return nil, errors.New("starter: Options.KillDescendants needs Options.CanReexec")
	}
	s := newStarter(o.withDefaults(), system{spawn: spawnChild})
	if err := s.open(addresses); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// open takes what belongs to this process alone.
func (s *Starter) open(addresses []Address) error {
	binding, err := s.options.binding()
	if err != nil {
		return err
	}
	inherited, err := sock.Inherit(s.options.Inherited)
	if err != nil {
		return err
	}
	if s.kept.Own, err = binding.OpenAll(addresses, inherited); err != nil {
		return err
	}
	for _, socket := range s.kept.Own {
		s.listens = append(s.listens, socket.BoundAddress())
	}
	if err := s.monitorSockets(s.kept.Own); err != nil {
		return err
	}
	for _, p := range s.places() {
		s.watchPlace(p)
	}
	if s.options.KillDescendants {
		return s.leash()
	}
	return nil
}

func newStarter(o Options, sys system) *Starter {
	s := &Starter{
		options:  o,
		machine:  machine{rules: o.rules()},
		system:   sys,
		workers:  map[int]*running{},
		unlooked: map[int]Worker{},
		reloads:  make(chan *Command, 1),
		limits:   make(chan rules, 1),
		stops:    make(chan syscall.Signal, 2),
		hangups:  make(chan struct{}, 1),
		signals:  make(chan syscall.Signal, 16),
		inbox:    make(chan any),
		ended:    make(chan struct{}),

		fallbacks: make(chan func(net.Conn), 1),
	}
	s.changed()
	return s
}

// Addresses returns the addresses of the sockets, with the real port in place of
// port 0.
func (s *Starter) Addresses() []Address { return slices.Clone(s.listens) }

// Reload requests a new worker that runs c or, if c is nil, the current command
// again. It does not wait. If a worker is starting with another command, that
// start is cancelled, unless its worker may be the only one that serves. If it is
// starting with the same command, one more start follows, however many reloads
// were requested. c must not be changed afterwards.
func (s *Starter) Reload(c *Command) {
	for {
		select {
		case s.reloads <- c:
			return
		case earlier := <-s.reloads:
			if c == nil {
				c = earlier
			}
		}
	}
}

// SetTimeouts changes ReadyTimeout, ServeTimeout, Rollback, DrainTimeout and
// StopTimeout to those of other Options. It does not wait. Timeouts that are
// already running keep their previous length.
func (s *Starter) SetTimeouts(to Options) {
	o := s.options
	o.ReadyTimeout, o.ServeTimeout, o.Rollback = to.ReadyTimeout, to.ServeTimeout, to.Rollback
	o.DrainTimeout, o.StopTimeout = to.DrainTimeout, to.StopTimeout
	limits := o.withDefaults().rules()
	for {
		select {
		case s.limits <- limits:
			return
		case <-s.limits:
		}
	}
}

// Signal does what start_server does at a signal: HUP reloads, TERM and INT stop
// all workers and then Run, a second TERM or INT kills the workers, and every
// other signal is passed on to the current worker. It does not wait. HUP, TERM
// and INT are never lost; of other signals, at most 16 are queued.
func (s *Starter) Signal(sig syscall.Signal) {
	switch sig {
	case syscall.SIGTERM, syscall.SIGINT:
		offer(s.stops, sig)
	case syscall.SIGHUP:
		offer(s.hangups, struct{}{})
	default:
		offer(s.signals, sig)
	}
}

// offer sends a value, or drops it if the channel is full.
func offer[T any](to chan<- T, value T) {
	select {
	case to <- value:
	default:
	}
}

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
		var event any
		reloads := s.reloads
		if s.clearing {
			reloads = nil
		}
		select {
		case c := <-reloads:
			event = s.reloading(c)
		case s.machine.rules = <-s.limits:
		case sig := <-s.stops:
			event = s.signaled(sig)
		case <-s.hangups:
			event = s.signaled(syscall.SIGHUP)
		case sig := <-s.signals:
			event = s.signaled(sig)
		case <-stopped:
			stopped, event = nil, stop{s.options.SignalOnTerm} // it stays ready; see it once
		case e := <-s.inbox:
			event = s.receive(e)
		case s.fallback = <-s.fallbacks:
		case <-timer.C:
			event = tick{}
		case <-orphans:
			proc.ReapUnknown(s.children())
		}
		if event != nil {
			s.step(event)
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

// Close closes the sockets if Run was never called.
func (s *Starter) Close() { s.close() }

func (s *Starter) result() error {
	if s.machine.gaveUp {
		return ErrNoWorker
	}
	return nil
}

// signaled makes an event of a signal, or passes it on.
func (s *Starter) signaled(sig syscall.Signal) any {
	s.options.Report(Event{Kind: Signaled, Signal: sig})
	switch sig {
	case syscall.SIGHUP:
		return reload{}
	case syscall.SIGTERM:
		return stop{s.options.SignalOnTerm}
	case syscall.SIGINT:
		return stop{syscall.SIGTERM}
	}
	if w := s.machine.in(serving); w != nil {
		s.workers[w.Generation].Signal(sig)
	}
	return nil
}

// step handles one event.
func (s *Starter) step(event any) {
	// One that is dead by now serves nobody, and its end is yet to be heard:
	// the old worker must not go for it.
	if w := s.machine.in(starting); w != nil && s.workers[w.Generation] != nil && s.workers[w.Generation].Ended() {
		s.decide(dying{w.Generation})
	}
	s.decide(event)
}

// decide has the machine decide and does what it says, in order. What follows
// from doing it at once, as a start that fails, is decided in turn.
func (s *Starter) decide(event any) {
	todo := s.machine.step(time.Now(), event)
	if proven := s.machine.readyWorkers(); !slices.Equal(proven, s.proven) {
		s.proven = proven
		s.options.ReportWorkers(proven)
	}
	for ; len(todo) > 0; todo = todo[1:] {
		for _, event := range s.do(todo[0]) {
			todo = append(todo, s.machine.step(time.Now(), event)...)
		}
	}
}

// do is the one place that acts. It returns the events that follow at once.
func (s *Starter) do(action any) (events []any) {
	switch a := action.(type) {
	case Event:
		if a.Kind == Stopping && s.options.CutStreams {
			s.tellLast()
		}
		s.lookForDetached(&a)
		if a.Kind == Serving {
			s.giveWay(a.Worker.Generation)
			a.Addresses = s.serves(a.Worker.Generation)
		}
		s.options.Report(a)
		if a.Kind == Serving {
			s.served(a.Worker.Generation)
		}
	case spawn:
		return s.spawn(a)
	case drain:
		if event := s.drain(a.generation); event != nil {
			return []any{event}
		}
	case sendSignal:
		if w := s.workers[a.generation]; w != nil { // nil: its end is the next event
			w.Stop(a.signal)
		}
	case settle:
		s.settle(a.generation)
	case forget:
		s.kept.ReleaseOnly(a.generation)
		s.changed()
		s.putBackPaths() // the next worker has not been started yet
	default:
		panic(fmt.Sprintf("unknown action %T", action))
	}
	return nil
}

// serves lists the addresses that a worker serves: those of the options, if
// nothing shows which.
func (s *Starter) serves(generation int) (addresses []Address) {
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

// giveWay ends sockets whose connections a new current worker gets by one of a
// wider or narrower address: the kernel prefers the narrower.
func (s *Starter) giveWay(generation int) {
	for _, inode := range s.kept.ReleaseOverlapped(generation) {
		go s.post(closes{generation, inode}) // the machine's actions are being done
	}
	s.changed()
}

// served ends the looks at a worker that has come to serve, and tells which
// sockets of the options it leaves alone.
func (s *Starter) served(generation int) {
	w := s.workers[generation]
	w.proven()
	s.sight(generation, w.PID())
	s.lookAfterPaths()
	if s.machine.find(generation).helloAt.IsZero() {
		return // it has not said that it serves
	}
	for _, socket := range s.kept.Own {
		if !socket.IsStream() {
			continue
		}
		seen := ready.Inspect(w.PID(), []uint64{socket.Inode})
		if len(seen.Waits)+len(seen.MayWait) == 0 && seen.Unreadable == nil && !proc.Exiting(w.PID()) { // since the look, too
			s.options.Report(Event{Kind: PortUnused, Worker: s.machine.find(generation).Worker, Address: socket.BoundAddress()})
		}
	}
}

// settle lets go of what only older workers used.
func (s *Starter) settle(generation int) {
	for _, address := range s.kept.ReleaseOlder(generation) {
		s.options.Report(Event{Kind: SocketReleased, Worker: s.machine.find(generation).Worker, Address: address})
	}
	s.changed()
}

// changed notes which sockets there are now.
func (s *Starter) changed() {
	sockets := s.kept.Streams()
	s.streams.Store(&sockets)
}

func (s *Starter) spawn(a spawn) []any {
	s.stopFallback()
	s.relistenAll()
	older := s.observe()
	start := s.prepare(a.command)
	pace := paced{start.AutoRestart, start.KillOldDelay}
	w, err := s.system.spawn(s, a.generation, a.command, start.Env)
	if err != nil {
		if older != nil {
			older.Close()
		}
		return []any{exited{generation: a.generation, err: err}, pace}
	}
	s.workers[a.generation] = w
	if w.contention = older; older != nil {
		go s.pryInto(w, a.generation)
	}
	s.changed()
	go func() {
		s.post(exited{generation: a.generation, err: w.Wait()})
	}()
	return []any{started{a.generation, w.PID(), s.kept.Offered()}, pace}
}

// tell gives an event to the loop. It reports false when there is no loop
// any more. Called from any goroutine but the loop's.
func (s *Starter) post(event any) bool {
	select {
	case s.inbox <- event:
		return true
	case <-s.ended:
		return false
	}
}

// heard does what a message needs before the machine sees it, and returns
// what it shall see.
func (s *Starter) receive(m any) any {
	switch e := m.(type) {
	case exited:
		if w := s.workers[e.generation]; w.contention != nil && s.machine.mayContend(s.machine.find(e.generation)) {
			e.lacks = s.lacks(w, s.machine.find(e.generation).Command)
		}
		e.status = s.workers[e.generation].end()
		delete(s.workers, e.generation)
		if w := s.machine.find(e.generation); w != nil && w.PID != 0 {
			s.lookForLeftovers(w.Worker)
		}
		s.loseSight(e.generation)
		s.lookAfterPaths()
		return e
	case pry:
		return s.pry(e.generation)
	case message:
		return s.reply(e)
	case hungUp:
		return s.hungUp(e.generation, e.err)
	case letGo:
		s.letGo(e)
		return nil
	case displaced:
		s.moved(e)
		return nil
	case shutDown:
		s.relisten(e.inode)
		return nil
	case looked:
		delete(s.unlooked, e.worker.Generation)
		s.reportLeftovers(e)
		return nil
	case cleared:
		s.clearing = false
		return reload(e)
	}
	return m
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

// trouble reports an error that is not about a worker.
func (s *Starter) trouble(err error) {
	s.options.Report(Event{Kind: Warning, Err: err})
}

// orphans has a value when a child has ended, if any child is to be reaped.
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

// children lists the processes that the loop waits for itself.
func (s *Starter) children() map[int]bool {
	known := map[int]bool{}
	for _, w := range s.workers {
		known[w.PID()] = true
	}
	if s.guard != nil {
		known[s.guard.PID] = true
	}
	return known
}

// leash makes sure that no worker outlives this process.
func (s *Starter) leash() (err error) {
	if s.guard, err = proc.StartGuard(s.options.EnvMarker, s.options.TempDir); err != nil || s.options.KillGroup {
		return err
	}
	if err := proc.BecomeSubreaper(); err != nil {
		return fmt.Errorf("becoming a child subreaper: %w", err)
	}
	go proc.ReapOrphans(s.ended)
	return nil
}

func (s *Starter) close() {
	s.closing.Do(func() {
		close(s.ended)
		s.stopFallback()
		s.monitor.Close()
		for _, seen := range s.sightings {
			seen.Close()
		}
		s.kept.Close()
		if s.guard != nil {
			s.guard.Close()
		}
		if s.guard != nil && !s.options.KillGroup {
			proc.KillOrphans()
		}
	})
}
