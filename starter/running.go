package starter

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// seemed says that a worker seems to serve, by what is seen of it or by its
// age.
type seemed struct{ generation int }

// running is a worker that runs, with the ways in which it can be heard.
// Each of its goroutines ends when what it listens to is closed.
type running struct {
	process
	broker  *net.UnixConn   // nil: it has none, or has hung up
	notify  *notifySocket   // nil: its word does not count
	looks   context.Context // as long as it is to be found out whether it serves
	looking context.CancelFunc
	greeted bool // it has said hello on the broker
	ready   bool // it has said so on the broker
	ended   func()
}

// proven: nothing more is to be found out.
func (w *running) proven() { w.looking() }

// end lets go of everything once the process has ended, and returns how.
func (w *running) end() syscall.WaitStatus {
	defer w.ended()
	w.looking()
	if w.broker != nil {
		w.broker.Close()
	}
	if w.notify != nil {
		w.notify.Close()
	}
	return w.Reap()
}

// spawnChild forks a worker with every socket, and starts to listen to it.
func spawnChild(s *Starter, generation int, c *Command) (*running, error) {
	w := &running{looking: func() {}, ended: func() {}}
	var more []string
	if s.options.Ready.notifies() {
		name, err := notifyName()
		if err != nil {
			return nil, err
		}
		if w.notify, err = newNotifySocket(name); err != nil {
			return nil, err
		}
		w.ended = func() { removeNotify(name) }
		more = append(more, "NOTIFY_SOCKET="+name)
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
	child, err := s.fork(generation, c, theirs, more...)
	if err != nil {
		w.abandon()
		return nil, err
	}
	w.process = child
	s.hear(w, generation)
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
	w.ended()
}

// hear starts one goroutine for each way in which w may prove itself.
func (s *Starter) hear(w *running, generation int) {
	w.looks, w.looking = context.WithCancel(context.Background())
	if w.broker != nil {
		go listenTo(generation, w.broker, s.tell)
	}
	if w.notify != nil {
		go w.notify.listen(func() { s.tell(proven{generation}) })
	}
	inodes := s.ledger.streams()
	var older []int
	for _, other := range s.workers {
		older = append(older, other.PID())
	}
	go func() {
		if s.options.Ready.watchFor(w.looks, w.PID(), older, inodes, s.options.Interval) {
			s.tell(seemed{generation})
		}
	}()
}
