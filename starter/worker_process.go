package starter

import (
	"context"
	"net"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/contend"
	"github.com/hotstart/hotstart/starter/internal/ready"
	"golang.org/x/sys/unix"
)

// process is the process of a worker. Tests replace it.
type process interface {
	PID() int
	Signal(syscall.Signal) error
	Stop(syscall.Signal) error
	Wait() error
	Ended() bool
	Reap() syscall.WaitStatus
}

// running is a worker that runs, with the ways in which it can be heard.
// Each of its goroutines ends when what it listens to is closed.
type running struct {
	process
	broker    *net.UnixConn       // nil: it has none, or has hung up
	notify    *ready.NotifySocket // nil: its word does not count
	probeCtx  context.Context     // as long as it is to be found out whether it serves
	stopProbe context.CancelFunc

	contention *contend.Observer // what older workers hold; nil: of no interest
	suspect    string            // what a look has shown that w may lack

	takesPaths bool // it has said that a unix path that exists is not in its way
}

// proven: nothing more is to be found out.
func (w *running) proven() { w.stopProbe() }

// end lets go of everything once the process has ended, and returns how.
func (w *running) end() syscall.WaitStatus {
	w.stopProbe()
	if w.contention != nil {
		w.contention.Close()
	}
	if w.broker != nil {
		w.broker.Close()
	}
	if w.notify != nil {
		w.notify.Close()
	}
	return w.Reap()
}

// spawnChild forks a worker with every socket, and starts to listen to it.
func spawnChild(s *Starter, generation int, c *Command, env []string) (*running, error) {
	w := &running{stopProbe: func() {}}
	var more []string
	if s.options.Ready.notifies() {
		notify, err := ready.NewNotifySocket(ready.NotifyDirs(s.options.TempDir)...)
		switch {
		case err == nil:
			w.notify = notify
			more = append(more, "NOTIFY_SOCKET="+notify.Path)
		case s.options.Ready == ReadyAuto:
			s.trouble(err) // there are other ways
		default:
			return nil, err
		}
	}
	theirs := -1
	if s.options.speaks(DialectHotstart) {
		broker, fd, err := newBroker()
		if err != nil {
			w.abandon()
			return nil, err
		}
		defer unix.Close(fd)
		w.broker, theirs = broker, fd
	}
	child, err := s.fork(generation, c, env, theirs, more...)
	if err != nil {
		w.abandon()
		return nil, err
	}
	w.process = child
	s.listen(w, generation)
	return w, nil
}

// abandon lets go of what a worker that could not be started had.
func (w *running) abandon() {
	if w.broker != nil {
		w.broker.Close()
	}
	if w.notify != nil {
		w.notify.Close()
	}
}

// hear starts one goroutine for each way in which w may prove itself.
func (s *Starter) listen(w *running, generation int) {
	w.probeCtx, w.stopProbe = context.WithCancel(context.Background())
	if w.broker != nil {
		go listenTo(generation, w.broker, s.post)
	}
	if w.notify != nil {
		go w.notify.Listen(func() { s.post(saidReady{generation}) })
	}
	var older []int
	for _, other := range s.workers {
		older = append(older, other.PID())
	}
	if p, _ := ready.ParseProbe(string(s.options.Ready)); p != nil {
		go func() {
			if p.Until(w.probeCtx, older) {
				s.post(answered{generation})
			}
		}()
	}
	if s.options.Ready.looks() {
		see := s.eyes(w.PID())
		go ready.Watch(w.probeCtx, see, func(l ready.Look) { s.post(sees{generation, l}) })
	}
}

// eyes returns what looks at a worker that starts, and at the serving one.
func (s *Starter) eyes(pid int) func() ready.Look {
	current := 0
	if w := s.machine.in(serving); w != nil {
		current = w.PID
	}
	return func() (l ready.Look) {
		sockets := *s.streams.Load()
		if len(sockets) == 0 {
			return l
		}
		l.Sight = ready.Inspect(pid, sockets)
		if current != 0 {
			l.Current = ready.Inspect(current, sockets).Waits
		}
		return l
	}
}
