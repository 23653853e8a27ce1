package starter

import (
	"errors"
	"slices"
	"time"

	"github.com/hotstart/hotstart/starter/internal/ready"
)

// How a worker proves that it serves, and from when on it counts as proven.

// Events about a worker that starts, or serves already.
type (
	hello     struct{ generation int } // it has said hello: it understands drain
	saidReady struct{ generation int } // it says that it serves
	answered  struct{ generation int } // the probe of Options.Ready got its answer
	listens   struct {                 // it listens on a kept socket
		generation int
		socket     uint64
	}
	accepting struct { // it says that it accepts on a kept socket
		generation int
		socket     uint64
	}
	sees struct { // what the kernel shows has changed
		generation int
		ready.Look
	}
	closes struct { // it has closed its copies of a kept socket
		generation int
		socket     uint64
	}
	execed struct{ generation int } // it has executed another program, which has no broker
	dying  struct{ generation int } // it has ended; how, exited says later
)

// evidence is what is known of a worker. Sockets are known by their inodes.
type evidence struct {
	helloAt      time.Time // when it said hello; zero: not yet
	announces    bool      // it says on which sockets it accepts
	execed       bool      // it can't say any more what it does
	dead         bool
	offered      []uint64             // stream sockets of the options, which it inherited
	claimed      map[uint64]bool      // kept sockets that it asked for, or gave
	accepted     map[uint64]bool      // kept sockets that it said it accepts on, or was seen to
	seen         map[uint64]time.Time // kept sockets that it waits on, or may if it does not say, and since when
	born         time.Time            // when it was started; zero: not yet
	saidReady    time.Time            // when it said that it serves; zero: not yet
	answered     time.Time            // when the probe got its answer; zero: not yet
	waitsSince   time.Time            // since when it waits on any socket; zero: it does not
	mayWaitSince time.Time            // since when it waits on any socket, or may
	unreadable   error
}

// notes takes in what was heard of w.
func (m *machine) notes(now time.Time, w *worker, event any) {
	switch e := event.(type) {
	case hello:
		w.helloAt = first(w.helloAt, now)
	case execed:
		w.execed, w.helloAt = true, time.Time{}
	case dying:
		w.dead = true
	case saidReady:
		w.saidReady = first(w.saidReady, now)
	case answered:
		w.answered = first(w.answered, now)
	case listens:
		note(&w.claimed, e.socket)
	case accepting:
		w.announces = true
		note(&w.accepted, e.socket)
	case closes:
		delete(w.claimed, e.socket)
		delete(w.accepted, e.socket)
	case sees:
		w.looked(now, e.Look)
		if current := m.in(serving); current != nil {
			for _, socket := range e.Current {
				note(&current.accepted, socket)
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

func note(set *map[uint64]bool, socket uint64) {
	if *set == nil {
		*set = map[uint64]bool{}
	}
	(*set)[socket] = true
}

// looked takes in what a look at w shows.
func (w *worker) looked(now time.Time, l ready.Look) {
	seen := map[uint64]time.Time{}
	for _, socket := range l.Waits {
		seen[socket] = first(w.seen[socket], now)
	}
	if !w.announcesItself() {
		for _, socket := range l.Waits {
			note(&w.accepted, socket)
		}
		for _, socket := range l.MayWait {
			seen[socket] = first(w.seen[socket], now)
		}
	}
	w.seen, w.unreadable = seen, l.Unreadable
	w.waitsSince = since(w.waitsSince, now, len(l.Waits) > 0)
	w.mayWaitSince = since(w.mayWaitSince, now, len(seen) > 0)
}

// since is when a state began that was there at a time, or zero without it.
func since(was, now time.Time, is bool) time.Time {
	if !is {
		return time.Time{}
	}
	return first(was, now)
}

// announcesItself reports whether w is one to say when it serves.
func (w *worker) announcesItself() bool {
	return !w.execed && (w.Command.ExpectHello || !w.helloAt.IsZero())
}

// serves lists the kept sockets that w is known to serve. A worker that never
// says on which it accepts does so on all that it listens on.
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

// unused lists the sockets on which w is about to accept, or never will.
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

// provenAt returns when w will have proven that it can take over, as far as
// is known now, or zero while nothing shows that it serves. Once it serves, it
// has serveTimeout to serve all that the current worker does, and the interval
// for what nobody serves yet.
func (m *machine) provenAt(w *worker) time.Time {
	from := m.servesFrom(w)
	if from.IsZero() || w.dead {
		return time.Time{}
	}
	at, served := from, w.serves()
	wait := func(sockets []uint64, limit time.Duration) {
		for _, socket := range sockets {
			switch since := w.seen[socket]; {
			case slices.Contains(served, socket):
			case w.unreadable != nil && slices.Contains(w.offered, socket): // nobody can tell
			case since.IsZero():
				at = later(at, from.Add(limit))
			case !w.announces && !w.saidReady.IsZero(): // its ready is for all sockets that it waits on
				at = later(at, since)
			default: // it says nothing of it, and waits on it
				at = later(at, earlier(from.Add(limit), later(since, w.helloAt).Add(m.interval)))
			}
		}
	}
	if current := m.in(serving); current != nil {
		wait(current.serves(), m.serveTimeout)
	}
	if m.ready.notifies() || m.ready.looks() {
		wait(w.unused(), m.interval)
	}
	return at
}

// servesFrom returns from when on w serves something, or zero while nothing
// shows that it does. Its own word counts most; what the kernel shows of a worker
// that could say so itself, only after the interval.
func (m *machine) servesFrom(w *worker) time.Time {
	switch way := m.ready; {
	case w.born.IsZero():
		return time.Time{}
	case way == ReadyInterval:
		return w.born.Add(m.interval)
	case way.notifies() && !w.saidReady.IsZero():
		return w.saidReady
	case !way.looks():
		return w.answered
	case way == ReadyAuto && !w.helloAt.IsZero():
		if w.waitsSince.IsZero() {
			return time.Time{}
		}
		return later(w.waitsSince, w.helloAt).Add(m.interval)
	case way == ReadyAuto && w.announcesItself() && (len(w.offered) > 0 || m.somethingIsServed()):
		return time.Time{} // it says hello before it accepts
	case !w.waitsSince.IsZero():
		return w.waitsSince
	case !w.mayWaitSince.IsZero():
		return w.mayWaitSince.Add(m.interval)
	case len(w.offered) == 0, w.unreadable != nil:
		return w.born.Add(m.interval)
	}
	return time.Time{}
}

// somethingIsServed reports whether the current worker is known to serve a
// socket that a new one is to serve too.
func (m *machine) somethingIsServed() bool {
	current := m.in(serving)
	return current != nil && len(current.serves()) > 0
}

// unseen returns why w is taken at its living, since nothing is seen of it that
// should be; nil: its word or what is seen proves it.
func (m *machine) whyAssumed(w *worker) error {
	switch {
	case !m.ready.looks() || !w.saidReady.IsZero() || !w.waitsSince.IsZero():
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
