package starter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/wire"
)

// The broker is this side of HOTSTART_FD: a private unix stream socket for each
// worker. starter/worker documents its protocol. A worker may be any program, so
// nothing that it sends is trusted: lines are bounded, descriptors are checked,
// and surplus descriptors are closed.

// sendTimeout is the maximum time that the loop waits for a worker to read.
const sendTimeout = 100 * time.Millisecond

// serveBroker handles the messages of a worker until its connection ends.
func (s *Starter) serveBroker(generation int, c *net.UnixConn) {
	err := wire.Serve(c, func(m wire.Message) bool {
		return s.post(func() []machine.Event { return s.reply(generation, m) })
	})
	s.post(func() []machine.Event { return s.hangUp(generation, err) })
}

// schemes are the protocols that a worker may announce for a socket.
var schemes = []string{"tcp", "http", "https"}

// reply handles one message of a worker. It ignores unknown words: a later version
// of the protocol may have more.
func (s *Starter) reply(generation int, m wire.Message) []machine.Event {
	w := s.workers[generation]
	if w == nil || w.broker == nil {
		m.Close()
		return nil
	}
	switch word, rest := m.Words[0], m.Words[1:]; {
	case word == "hello" && len(rest) == 1:
		if rest[0] != wire.Version {
			return s.hangUp(generation, fmt.Errorf("broker: unsupported protocol version %q", rest[0]))
		}
		return []machine.Event{machine.Hello(generation)}
	case word == "takes" && len(rest) == 1 && rest[0] == "paths":
		w.takesPaths = true
		s.checkPaths() // the worker may have removed a path already
		return nil
	case word == "want" && len(rest) == 2:
		return s.want(generation, rest[0], rest[1])
	case word == "keep" && len(rest) == 2 && s.machine.MayServe(generation):
		return s.keep(generation, rest[0], rest[1], m.FD)
	case word == "drop" && len(rest) == 1:
		var events []machine.Event
		if inode, err := strconv.ParseUint(rest[0], 10, 64); err == nil {
			events = s.drop(generation, inode)
		}
		return append(events, s.send(generation, "none", -1)...)
	case word == "accepts" && len(rest) > 0:
		return s.accepts(generation, rest)
	case word == "ready":
		return []machine.Event{machine.SaidReady(generation)}
	case word == "holding" && s.held[generation]:
		s.options.Report(Event{Kind: Holding, Worker: s.worker(generation)})
		return nil
	case word == "stopped":
		s.stopped.Store(w.PID(), true)
	case word == "drained":
		return []machine.Event{machine.Drained(generation)}
	}
	m.Close()
	return nil
}

// want sends a worker the kept socket of an address, if there is one.
func (s *Starter) want(generation int, network, address string) []machine.Event {
	socket := s.kept.Want(generation, network, address)
	switch {
	case socket == nil && s.kept.HasOverlap(network, address):
		return s.send(generation, "overlap", -1)
	case socket == nil:
		return s.send(generation, "none", -1)
	}
	return append([]machine.Event{machine.Listens{Worker: generation, Socket: socket.Inode}}, s.send(generation, "socket", socket.Descriptor)...)
}

// keep takes over a socket that a worker has bound.
func (s *Starter) keep(generation int, network, address string, fd int) (events []machine.Event) {
	kept, fresh, err := s.kept.Keep(generation, network, address, fd)
	if err != nil {
		s.refuse(generation, err)
		return nil
	}
	if fresh {
		for _, inode := range s.kept.ReleaseReplaced(kept) {
			for _, w := range s.machine.All() {
				events = append(events, machine.Closes{Worker: w.Generation, Socket: inode})
			}
		}
		s.monitor.Add(kept)
		s.watchPath(kept.Place)
		s.options.Report(Event{Kind: SocketKept, Worker: s.worker(generation), Address: kept.BoundAddress()})
	}
	events = append(events, machine.Listens{Worker: generation, Socket: kept.Inode})
	for _, inode := range s.kept.Ambiguous(generation) {
		for _, address := range s.kept.ReleaseOne(generation, inode) {
			s.refuse(generation, fmt.Errorf("keeping the socket of %v: several goroutines have asked for port 0 at one place, and may have come in another order", address))
		}
		events = append(events, machine.Closes{Worker: generation, Socket: inode})
	}
	s.changed()
	return events
}

// accepts handles that a worker accepts on a kept socket, and announces a protocol
// in words[1].
func (s *Starter) accepts(generation int, words []string) (events []machine.Event) {
	inode, err := strconv.ParseUint(words[0], 10, 64)
	socket := s.kept.Find(inode)
	if err != nil || socket == nil {
		return nil
	}
	if len(words) == 2 && slices.Contains(schemes, words[1]) {
		socket.Scheme = words[1]
	}
	for _, other := range s.kept.Overlapping(inode) {
		events = append(events, machine.Accepts{Worker: generation, Socket: other})
	}
	return append(events, machine.Accepts{Worker: generation, Socket: inode})
}

// drop releases a socket that a worker has closed, unless the worker has been told
// to stop: then it closes the socket for that reason.
func (s *Starter) drop(generation int, inode uint64) []machine.Event {
	if !s.machine.MayServe(generation) {
		return nil
	}
	for _, address := range s.kept.ReleaseOne(generation, inode) {
		s.options.Report(Event{Kind: SocketClosed, Worker: s.worker(generation), Address: address})
	}
	s.changed()
	return []machine.Event{machine.Closes{Worker: generation, Socket: inode}}
}

// refuse reports an error of a worker on the broker.
func (s *Starter) refuse(generation int, err error) {
	if w := s.worker(generation); w.Generation != 0 {
		s.options.Report(Event{Kind: BrokerError, Worker: w, Err: err})
	}
}

// drain tells a worker to drain. A worker without a broker has drained.
func (s *Starter) drain(generation int) []machine.Event {
	w := s.workers[generation]
	if w == nil || w.broker == nil {
		return []machine.Event{machine.Drained(generation)}
	}
	return s.send(generation, "drain", -1)
}

// sendLast tells all workers that no other worker follows them.
func (s *Starter) sendLast() (events []machine.Event) {
	for generation, w := range s.workers {
		if w.broker != nil && s.machine.SaidHello(generation) {
			events = append(events, s.send(generation, "last", -1)...)
		}
	}
	return events
}

// send sends a line to a worker. If that fails, it closes the connection: the
// worker may have got half of the line.
func (s *Starter) send(generation int, line string, fd int) []machine.Event {
	err := wire.Send(s.workers[generation].broker, line, fd, sendTimeout)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s.hangUp(generation, errors.New("broker: the worker does not read its messages"))
	default:
		return s.hangUp(generation, nil)
	}
}

// hangUp closes the connection to a worker. err is a violation of the protocol;
// nil: the worker has closed its end. A worker without a broker can't say that it
// has drained.
func (s *Starter) hangUp(generation int, err error) (events []machine.Event) {
	if err != nil {
		s.refuse(generation, err)
	}
	if w := s.workers[generation]; w != nil && w.broker != nil {
		w.broker.Close()
		w.broker = nil
		if inodes := s.kept.UsedBy(generation); err == nil && len(inodes) > 0 && s.machine.MayServe(generation) && !proc.Exiting(w.PID()) {
			events = append(events, machine.Execed(generation))
			// Otherwise the new program could not bind the addresses of the sockets that
			// it has not inherited.
			go proc.AwaitClosed(w.PID(), inodes, func(inode uint64) bool {
				return s.post(func() []machine.Event { return s.drop(generation, inode) })
			})
		}
	}
	return append(events, machine.Drained(generation))
}
