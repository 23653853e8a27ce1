package starter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

// The broker is this side of HOTSTART_FD: a private unix stream socket for each
// worker. starter/worker documents its protocol. A worker may be any program, so
// nothing that it sends is trusted: lines are bounded, descriptors are checked,
// and surplus descriptors are closed.

// sendTimeout is the maximum time that the loop waits for a worker to read.
const sendTimeout = 100 * time.Millisecond

// message is a line from a worker, with the descriptor that belongs to it.
type message struct {
	words []string // one to three: a path may contain spaces
	fd    int      // -1: none
}

// newBroker returns the connection of this process, and the descriptor for the
// worker.
func newBroker() (*net.UnixConn, int, error) {
	pair, err := proc.SocketPair()
	if err != nil {
		return nil, -1, fmt.Errorf("making the broker's socket pair: %w", err)
	}
	f := os.NewFile(uintptr(pair[0]), "broker")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		unix.Close(pair[1])
		return nil, -1, fmt.Errorf("making the broker's socket pair: %w", err)
	}
	return c.(*net.UnixConn), pair[1], nil
}

// listenTo passes each message of a worker to handle until the connection ends. It
// closes the descriptor of a message if handle reports false. The error is nil
// unless the worker has broken the protocol. Only listenTo reads from c.
func listenTo(c *net.UnixConn, handle func(message) bool) error {
	in := wire.NewReader(c)
	defer in.Close()
	for {
		m, err := receive(in)
		var broken wire.ProtocolError
		switch {
		case errors.As(err, &broken):
			return err
		case err != nil:
			return nil
		}
		if !handle(m) {
			closeFD(m.fd)
		}
	}
}

// receive reads one line, and takes the descriptor if the line carries one.
func receive(in *wire.Reader) (message, error) {
	line, err := in.Next()
	if err != nil {
		return message{}, err
	}
	m := message{words: strings.SplitN(line, " ", 3), fd: -1}
	if m.words[0] == "keep" {
		fd, ok := in.Take()
		if !ok {
			return message{}, wire.ProtocolError("keep came without a descriptor")
		}
		m.fd = fd
	}
	return m, nil
}

// serveBroker handles the messages of a worker until its connection ends.
func (s *Starter) serveBroker(generation int, c *net.UnixConn) {
	err := listenTo(c, func(m message) bool {
		return s.post(func() []event { return s.reply(generation, m) })
	})
	s.post(func() []event { return s.hangUp(generation, err) })
}

// schemes are the protocols that a worker may announce for a socket.
var schemes = []string{"tcp", "http", "https"}

// reply handles one message of a worker. It ignores unknown words: a later version
// of the protocol may have more.
func (s *Starter) reply(generation int, m message) []event {
	w := s.workers[generation]
	if w == nil || w.broker == nil {
		closeFD(m.fd)
		return nil
	}
	switch word, rest := m.words[0], m.words[1:]; {
	case word == "hello" && len(rest) == 1:
		if rest[0] != wire.Version {
			return s.hangUp(generation, fmt.Errorf("broker: unsupported protocol version %q", rest[0]))
		}
		return []event{hello{generation}}
	case word == "takes" && len(rest) == 1 && rest[0] == "paths":
		w.takesPaths = true
		s.checkPaths() // the worker may have removed a path already
		return nil
	case word == "want" && len(rest) == 2:
		return s.want(generation, rest[0], rest[1])
	case word == "keep" && len(rest) == 2 && s.machine.mayServe(generation):
		return s.keep(generation, rest[0], rest[1], m.fd)
	case word == "drop" && len(rest) == 1:
		var events []event
		if inode, err := strconv.ParseUint(rest[0], 10, 64); err == nil {
			events = s.drop(generation, inode)
		}
		return append(events, s.send(generation, "none", -1)...)
	case word == "accepts" && len(rest) > 0:
		return s.accepts(generation, rest)
	case word == "ready":
		return []event{saidReady{generation}}
	case word == "drained":
		return []event{drained{generation}}
	}
	closeFD(m.fd)
	return nil
}

// want sends a worker the kept socket of an address, if there is one.
func (s *Starter) want(generation int, network, address string) []event {
	socket := s.kept.Want(generation, network, address)
	switch {
	case socket == nil && s.kept.HasOverlap(network, address):
		return s.send(generation, "overlap", -1)
	case socket == nil:
		return s.send(generation, "none", -1)
	}
	return append([]event{listens{generation, socket.Inode}}, s.send(generation, "socket", socket.Descriptor)...)
}

// keep takes over a socket that a worker has bound.
func (s *Starter) keep(generation int, network, address string, fd int) (events []event) {
	kept, fresh, err := s.kept.Keep(generation, network, address, fd)
	if err != nil {
		s.refuse(generation, err)
		return nil
	}
	if fresh {
		for _, inode := range s.kept.ReleaseReplaced(kept) {
			for _, w := range s.machine.all() {
				events = append(events, closes{w.Generation, inode})
			}
		}
		s.monitor.Add(kept)
		s.watchPath(kept.Place)
		s.options.Report(Event{Kind: SocketKept, Worker: s.machine.find(generation).Worker, Address: kept.BoundAddress()})
	}
	events = append(events, listens{generation, kept.Inode})
	for _, inode := range s.kept.Ambiguous(generation) {
		for _, address := range s.kept.ReleaseOne(generation, inode) {
			s.refuse(generation, fmt.Errorf("keeping the socket of %v: several goroutines have asked for port 0 at one place, and may have come in another order", address))
		}
		events = append(events, closes{generation, inode})
	}
	s.changed()
	return events
}

// accepts handles that a worker accepts on a kept socket, and announces a protocol
// in words[1].
func (s *Starter) accepts(generation int, words []string) (events []event) {
	inode, err := strconv.ParseUint(words[0], 10, 64)
	socket := s.kept.Find(inode)
	if err != nil || socket == nil {
		return nil
	}
	if len(words) == 2 && slices.Contains(schemes, words[1]) {
		socket.Scheme = words[1]
	}
	for _, other := range s.kept.Overlapping(inode) {
		events = append(events, accepting{generation, other})
	}
	return append(events, accepting{generation, inode})
}

// drop releases a socket that a worker has closed, unless the worker has been told
// to stop: then it closes the socket for that reason.
func (s *Starter) drop(generation int, inode uint64) []event {
	if !s.machine.mayServe(generation) {
		return nil
	}
	for _, address := range s.kept.ReleaseOne(generation, inode) {
		s.options.Report(Event{Kind: SocketClosed, Worker: s.machine.find(generation).Worker, Address: address})
	}
	s.changed()
	return []event{closes{generation, inode}}
}

// refuse reports an error of a worker on the broker.
func (s *Starter) refuse(generation int, err error) {
	if w := s.machine.find(generation); w != nil {
		s.options.Report(Event{Kind: BrokerError, Worker: w.Worker, Err: err})
	}
}

// drain tells a worker to drain. A worker without a broker has drained.
func (s *Starter) drain(generation int) []event {
	w := s.workers[generation]
	if w == nil || w.broker == nil {
		return []event{drained{generation}}
	}
	return s.send(generation, "drain", -1)
}

// sendLast tells all workers that no other worker follows them.
func (s *Starter) sendLast() (events []event) {
	for generation, w := range s.workers {
		if known := s.machine.find(generation); w.broker != nil && known != nil && !known.helloAt.IsZero() {
			events = append(events, s.send(generation, "last", -1)...)
		}
	}
	return events
}

// send sends a line to a worker. If that fails, it closes the connection: the
// worker may have got half of the line.
func (s *Starter) send(generation int, line string, fd int) []event {
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
func (s *Starter) hangUp(generation int, err error) (events []event) {
	if err != nil {
		s.refuse(generation, err)
	}
	if w := s.workers[generation]; w != nil && w.broker != nil {
		w.broker.Close()
		w.broker = nil
		if inodes := s.kept.UsedBy(generation); err == nil && len(inodes) > 0 && s.machine.mayServe(generation) && !proc.Exiting(w.PID()) {
			events = append(events, execed{generation})
			go s.dropUnused(w.PID(), generation, inodes)
		}
	}
	return append(events, drained{generation})
}

// dropUnused drops the sockets that a worker has lost by executing another program.
// Otherwise that program could not bind their addresses. It ends with the worker,
// or when the kernel has certainly closed what it closes at exec, which happens
// some time after the broker was closed.
func (s *Starter) dropUnused(pid, generation int, inodes []uint64) {
	for wait := time.Millisecond; wait < time.Second && len(inodes) > 0; wait *= 2 {
		held := proc.Sockets(pid)
		if proc.Exiting(pid) {
			return
		}
		var rest []uint64
		for _, inode := range inodes {
			if held[inode] {
				rest = append(rest, inode)
			} else if !s.post(func() []event { return s.drop(generation, inode) }) {
				return
			}
		}
		inodes = rest
		time.Sleep(wait)
	}
}

// closeFD closes a descriptor, unless it is -1.
func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
