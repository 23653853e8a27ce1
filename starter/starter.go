package starter

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/sock"
)

// ErrNoWorker is the error of Run if it gave up starting workers and no worker
// runs any more.
var ErrNoWorker = errors.New("no worker could be started")

// A Starter owns its sockets and workers. Make it with New.
type Starter struct {
	options     Options
	listens     []Address
	machine     machine.Machine
	kept        sock.Table
	streams     atomic.Pointer[[]uint64] // inodes of the kept stream sockets, for the goroutines that look at workers
	startWorker workerStarter
	workers     map[int]*running
	stopped     sync.Map // pids of the workers that have said that they accept no connections any more
	// exited workers whose leftover processes have not been searched for yet
	unlooked       map[int]Worker
	guard          *proc.Guard
	monitor        *sock.Monitor
	ready          []Worker // the latest list of Options.ReportWorkers
	paths          []ownPath
	fallback       func(net.Conn)              // handles connections while no worker runs; nil: they wait
	fallbackServer *sock.FallbackServer        // nil: it does not run
	held           map[int]bool                // workers whose clients wait, by generation
	holds          chan hold                   // the latest that is not in effect
	reloads        chan *Command               // the latest that is not in effect
	timeouts       chan machine.Timeouts       // the latest that are not in effect
	fallbacks      chan func(net.Conn)         // the latest that is not in effect
	stops          chan syscall.Signal         // TERM and INT: the first stops, the second kills
	hangups        chan struct{}               // HUP, coalesced
	signals        chan syscall.Signal         // other signals, for the current worker
	inbox          chan func() []machine.Event // what goroutines post to the loop
	ended          chan struct{}               // closed when the loop has ended
	closing        sync.Once
}

// workerStarter starts a worker, and posts what it says. Tests replace it.
type workerStarter func(s *Starter, generation int, c *Command, env []string) (*running, error)

// New opens the sockets. The error is an *AddressError or a *FormatError where one
// of these fits, and then nothing is left open.
func New(o Options) (*Starter, error) {
	addresses, err := o.addresses()
	if err != nil {
		return nil, err
	}
	if o.KillDescendants && !o.CanReexec {
		return nil, errors.New("starter: Options.KillDescendants needs Options.CanReexec")
	}
	s := newStarter(o.withDefaults(), startWorker)
	if err := s.open(addresses); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// open opens the sockets, and starts the guard.
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
		s.watchPath(p)
	}
	if s.options.KillDescendants {
		return s.startGuard()
	}
	return nil
}

func newStarter(o Options, start workerStarter) *Starter {
	s := &Starter{
		options:     o,
		machine:     machine.Machine{Rules: o.rules()},
		startWorker: start,
		workers:     map[int]*running{},
		unlooked:    map[int]Worker{},
		reloads:     make(chan *Command, 1),
		timeouts:    make(chan machine.Timeouts, 1),
		stops:       make(chan syscall.Signal, 2),
		hangups:     make(chan struct{}, 1),
		signals:     make(chan syscall.Signal, 16),
		inbox:       make(chan func() []machine.Event),
		ended:       make(chan struct{}),

		fallbacks: make(chan func(net.Conn), 1),
		held:      map[int]bool{},
		holds:     make(chan hold, 1),
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
	replace(s.timeouts, o.withDefaults().rules().Timeouts)
}

// replace makes a value the only one in a channel, which has room for one.
func replace[T any](in chan T, value T) {
	for {
		select {
		case in <- value:
			return
		case <-in: // out of date
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

// startGuard makes sure that no worker outlives this process.
func (s *Starter) startGuard() (err error) {
	if s.guard, err = proc.StartGuard(s.options.EnvMarker, s.options.TempDir); err != nil || s.options.KillGroup {
		return err
	}
	if err := proc.BecomeSubreaper(); err != nil {
		return fmt.Errorf("becoming a child subreaper: %w", err)
	}
	go proc.ReapOrphans(s.ended)
	return nil
}

// Close closes the sockets, and ends what the workers have left. Run calls it.
func (s *Starter) Close() {
	s.closing.Do(func() {
		close(s.ended)
		s.stopFallback()
		s.monitor.Close()
		for _, p := range s.paths {
			p.Close()
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
