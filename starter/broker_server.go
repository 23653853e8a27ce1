package starter

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/sock"
	"github.com/hotstart/hotstart/starter/internal/wire"
)

// What the loop tells workers, and what it makes of what they say and seem.

// drain tells a worker to drain. One that can't be told has drained.
func (s *Starter) drain(generation int) any {
	w := s.workers[generation]
	if w == nil || w.broker == nil {
		return drained{generation}
	}
	return s.send(generation, "drain", -1)
}

// tellLast tells all workers that drain, or are about to, that no other follows them.
func (s *Starter) tellLast() {
	for generation, w := range s.workers {
		if known := s.machine.find(generation); w.broker == nil || known == nil || known.helloAt.IsZero() {
			continue
		}
		if event := s.send(generation, "last", -1); event != nil {
			go s.post(event)
		}
	}
}

// say sends a line to a worker, or ends its broker: what it has read of a
// line that was cut short can't be known.
func (s *Starter) send(generation int, line string, fd int) any {
	err := wire.Send(s.workers[generation].broker, line, fd, sendTimeout)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return s.hungUp(generation, errors.New("broker: the worker does not read its messages"))
	default:
		return s.hungUp(generation, nil)
	}
}

// schemes are what a worker may say that it serves on a socket.
var schemes = []string{"tcp", "http", "https"}

// answer handles one line from a worker's broker.
func (s *Starter) reply(e message) any {
	w := s.workers[e.generation]
	if w == nil || w.broker == nil {
		closeFD(e.fd)
		return nil
	}
	switch word, rest := e.words[0], e.words[1:]; {
	case word == "hello" && len(rest) == 1:
		return s.greet(w, e.generation, rest[0])
	case word == "takes" && len(rest) == 1 && rest[0] == "paths":
		w.takesPaths = true
		s.lookAfterPaths() // it may have removed one by now
		return nil
	case word == "want" && len(rest) == 2:
		socket := s.kept.Want(e.generation, rest[0], rest[1])
		switch {
		case socket == nil && s.kept.HasOverlap(rest[0], rest[1]):
			return s.send(e.generation, "overlap", -1)
		case socket == nil:
			return s.send(e.generation, "none", -1)
		}
		s.step(listens{e.generation, socket.Inode})
		return s.send(e.generation, "socket", socket.Descriptor)
	case word == "keep" && len(rest) == 2 && s.machine.mayServe(e.generation):
		s.keep(e.generation, rest[0], rest[1], e.fd)
		return nil
	case word == "drop" && len(rest) == 1:
		if inode, err := strconv.ParseUint(rest[0], 10, 64); err == nil {
			s.letGo(letGo{e.generation, inode})
		}
		return s.send(e.generation, "none", -1)
	case word == "accepts" && len(rest) > 0:
		inode, err := strconv.ParseUint(rest[0], 10, 64)
		if socket := s.kept.Find(inode); err == nil && socket != nil {
			if len(rest) == 2 && slices.Contains(schemes, rest[1]) {
				socket.Scheme = rest[1]
			}
			for _, other := range s.kept.Overlapping(inode) {
				s.step(accepting{e.generation, other})
			}
			return accepting{e.generation, inode}
		}
		return nil
	case word == "ready":
		return saidReady{e.generation}
	case word == "drained":
		return drained{e.generation}
	}
	closeFD(e.fd)
	return nil // a later version may have more words
}

// keep takes a socket over that a worker has bound.
func (s *Starter) keep(generation int, network, address string, fd int) {
	kept, fresh, err := s.kept.Keep(generation, network, address, fd)
	if err != nil {
		s.refused(generation, err)
		return
	}
	if fresh {
		s.replace(kept)
		s.changed()
		s.monitor.Add(kept)
		s.watchPlace(kept.Place)
		w := s.machine.find(generation)
		s.options.Report(Event{Kind: SocketKept, Worker: w.Worker, Address: kept.BoundAddress()})
	}
	s.step(listens{generation, kept.Inode})
	for _, inode := range s.kept.Ambiguous(generation) {
		for _, address := range s.kept.ReleaseOne(generation, inode) {
			s.refused(generation, fmt.Errorf("keeping the socket of %v: several goroutines have asked for port 0 at one place, and may have come in another order", address))
		}
		s.changed()
		s.step(closes{generation, inode})
	}
}

func (s *Starter) greet(w *running, generation int, version string) any {
	if version != wire.Version {
		return s.hungUp(generation, fmt.Errorf("broker: unsupported protocol version %q", version))
	}
	return hello{generation}
}

// hungUp ends the broker of a worker, which then can't say drained any more.
func (s *Starter) hungUp(generation int, err error) any {
	if err != nil {
		s.refused(generation, err)
	}
	if w := s.workers[generation]; w != nil && w.broker != nil {
		w.broker.Close()
		w.broker = nil
		if inodes := s.kept.UsedBy(generation); err == nil && len(inodes) > 0 && s.machine.mayServe(generation) && !proc.Exiting(w.PID()) {
			s.step(execed{generation})
			go s.handsOn(w, generation, inodes)
		}
	}
	return drained{generation}
}

// replace forgets what a socket that a worker gave takes the path of.
func (s *Starter) replace(kept *sock.Socket) {
	for _, inode := range s.kept.ReleaseReplaced(kept) {
		for _, w := range s.machine.all() {
			s.step(closes{w.Generation, inode})
		}
	}
}

// letGo ends the keeping of a socket that a worker has closed, unless that has
// been told to leave: what it closes then, it closes because of that.
func (s *Starter) letGo(e letGo) {
	if !s.machine.mayServe(e.generation) {
		return
	}
	for _, address := range s.kept.ReleaseOne(e.generation, e.inode) {
		s.options.Report(Event{Kind: SocketClosed, Worker: s.machine.find(e.generation).Worker, Address: address})
	}
	s.changed()
	s.step(closes{e.generation, e.inode})
}

func (s *Starter) refused(generation int, err error) {
	if w := s.machine.find(generation); w != nil {
		s.options.Report(Event{Kind: BrokerError, Worker: w.Worker, Err: err})
	}
}
