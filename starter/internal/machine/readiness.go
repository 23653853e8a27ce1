package machine

import (
	"errors"
	"slices"
	"time"
)

// This file decides when a worker is ready.

// evidence is what is known of a worker. A time is zero as long as the fact is not
// known. Sockets are inodes.
type evidence struct {
	helloAt      time.Time // when it said hello
	announces    bool      // it says on which sockets it accepts
	execed       bool      // it has executed a program that can't say anything
	dead         bool
	offered      []uint64             // inherited stream sockets of the options
	claimed      map[uint64]bool      // kept sockets that it wanted or gave
	accepted     map[uint64]bool      // kept sockets on which it accepts, by its own word or by the kernel
	seen         map[uint64]time.Time // kept sockets on which it waits, or may wait if it does not announce, and since when
	born         time.Time            // when it was started
	saidReady    time.Time            // when it said that it serves
	answered     time.Time            // when the probe succeeded
	waitsSince   time.Time            // since when it waits on any socket
	mayWaitSince time.Time            // since when it waits, or may wait, on any socket
	unreadable   error                // why the kernel does not show everything; nil: it does
	pryAt        time.Time            // when to look next what it waits for
	suspect      string               // what it seemed to need at the last look
}

// note records an event as evidence.
func (m *Machine) note(now time.Time, w *worker, e Event) {
	switch e := e.(type) {
	case Hello:
		w.helloAt = first(w.helloAt, now)
	case Execed:
		w.execed, w.helloAt = true, time.Time{}
	case Dying:
		w.dead = true
	case SaidReady:
		w.saidReady = first(w.saidReady, now)
	case Answered:
		w.answered = first(w.answered, now)
	case Listens:
		add(&w.claimed, e.Socket)
	case Accepts:
		w.announces = true
		add(&w.accepted, e.Socket)
	case Closes:
		delete(w.claimed, e.Socket)
		delete(w.accepted, e.Socket)
	case Sees:
		w.looked(now, e.Look)
		if current := m.in(serving); current != nil {
			for _, socket := range e.Current {
				add(&current.accepted, socket)
			}
		}
	}
}

func first(was, now time.Time) time.Time {
	if was.IsZero() {
		return now
	}
	return was
}

func add(set *map[uint64]bool, socket uint64) {
	if *set == nil {
		*set = map[uint64]bool{}
	}
	(*set)[socket] = true
}

// looked records what a look at w shows.
func (w *worker) looked(now time.Time, l Look) {
	seen := map[uint64]time.Time{}
	for _, socket := range l.Waits {
		seen[socket] = first(w.seen[socket], now)
	}
	if !w.announcesItself() {
		for _, socket := range l.Waits {
			add(&w.accepted, socket)
		}
		for _, socket := range l.MayWait {
			seen[socket] = first(w.seen[socket], now)
		}
	}
	w.seen, w.unreadable = seen, l.Unreadable
	w.waitsSince = since(w.waitsSince, now, len(l.Waits) > 0)
	w.mayWaitSince = since(w.mayWaitSince, now, len(seen) > 0)
}

// since returns when a state began: was, or now if it is new, or zero if it is over.
func since(was, now time.Time, is bool) time.Time {
	if !is {
		return time.Time{}
	}
	return first(was, now)
}

// announcesItself reports whether w is expected to say when it serves.
func (w *worker) announcesItself() bool {
	return !w.execed && (w.Command.ExpectHello() || !w.helloAt.IsZero())
}

// serves lists the kept sockets that w is known to serve. A worker that does not
// announce on which sockets it accepts serves every socket on which it listens.
func (w *worker) serves() []uint64 {
	var all []uint64
	for socket := range w.accepted {
		all = append(all, socket)
	}
	for socket := range w.claimed {
		if !w.announces && !w.accepted[socket] {
			all = append(all, socket)
		}
	}
	return all
}

// unused lists the sockets on which w does not accept yet. It may never do so.
func (w *worker) unused() []uint64 {
	served := w.serves()
	var all []uint64
	for socket := range w.claimed {
		if !slices.Contains(served, socket) {
			all = append(all, socket)
		}
	}
	if !w.announcesItself() && w.saidReady.IsZero() && w.unreadable == nil {
		all = append(all, slices.DeleteFunc(slices.Clone(w.offered), func(socket uint64) bool { return slices.Contains(served, socket) })...)
	}
	return all
}

// provenAt returns when w becomes ready by the present evidence, or zero while
// nothing shows that it serves. From the moment it serves something, w has
// ServeTimeout to serve every socket of the current worker, and the interval for
// other sockets.
func (m *Machine) provenAt(w *worker) time.Time {
	from := m.servesFrom(w)
	if from.IsZero() || w.dead {
		return time.Time{}
	}
	at, served := from, w.serves()
	wait := func(sockets []uint64, limit time.Duration) {
		for _, socket := range sockets {
			switch since := w.seen[socket]; {
			case slices.Contains(served, socket):
			case w.unreadable != nil && slices.Contains(w.offered, socket): // not visible
			case since.IsZero():
				at = later(at, from.Add(limit))
			case !w.announces && !w.saidReady.IsZero(): // its ready is about every socket on which it waits
				at = later(at, since)
			default: // it waits on the socket, and does not announce it
				at = later(at, earlier(from.Add(limit), later(since, w.helloAt).Add(m.Interval)))
			}
		}
	}
	if current := m.in(serving); current != nil {
		wait(current.serves(), m.ServeTimeout)
	}
	if m.Ready.Notifies() || m.Ready.Looks() {
		wait(w.unused(), m.Interval)
	}
	return at
}

// servesFrom returns since when w serves something, or zero while nothing shows
// that it does. The word of the worker counts most. What the kernel shows of a
// worker that has said hello counts only after the interval.
func (m *Machine) servesFrom(w *worker) time.Time {
	switch way := m.Ready; {
	case w.born.IsZero():
		return time.Time{}
	case way == ByTime:
		return w.born.Add(m.Interval)
	case way.Notifies() && !w.saidReady.IsZero():
		return w.saidReady
	case !way.Looks():
		return w.answered
	case way == ByMessageOrLook && !w.helloAt.IsZero():
		if w.waitsSince.IsZero() {
			return time.Time{}
		}
		return later(w.waitsSince, w.helloAt).Add(m.Interval)
	case way == ByMessageOrLook && w.announcesItself() && (len(w.offered) > 0 || m.somethingIsServed()):
		return time.Time{} // hello comes before it accepts
	case !w.waitsSince.IsZero():
		return w.waitsSince
	case !w.mayWaitSince.IsZero():
		return w.mayWaitSince.Add(m.Interval)
	case len(w.offered) == 0, w.unreadable != nil:
		return w.born.Add(m.Interval)
	}
	return time.Time{}
}

// somethingIsServed reports whether the current worker is known to serve a kept
// socket.
func (m *Machine) somethingIsServed() bool {
	current := m.in(serving)
	return current != nil && len(current.serves()) > 0
}

// whyAssumed returns why w is only assumed to be ready because it lives, or nil if
// its word or the kernel proves it.
func (m *Machine) whyAssumed(w *worker) error {
	switch {
	case !m.Ready.Looks() || !w.saidReady.IsZero() || !w.waitsSince.IsZero():
		return nil
	case w.unreadable == nil && !w.mayWaitSince.IsZero():
		return errors.New("it has registered its sockets, as runtimes do before they accept, or it accepts by io_uring")
	}
	return w.unreadable
}

func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
