// Package machine decides what a supervisor does about its workers. It knows no
// clock, no process and no file: Step takes an event and returns the actions that
// it calls for, Next returns when the machine wants to be asked again.
//
// The decisions are in files by what they are about: readiness.go decides when a
// worker is ready; failures.go what follows when a worker exits or fails to start;
// rollback.go which older worker or command replaces a new one that failed;
// retire.go how workers stop; contention.go what follows when an old worker holds
// what a new one needs. machine.go has the start of a worker, its promotion and its
// timeouts; events.go the events and actions; rules.go the options; queries.go what
// callers may ask.
package machine

import (
	"slices"
	"syscall"
	"time"
)

const (
	// stableAfter is the time after which the exit of a worker does not count as a
	// repetition of the exit before it.
	stableAfter = 10 * time.Second
	// freeRetries is the number of exits in a row before the backoff begins.
	freeRetries = 5
	// maxWait limits the backoff.
	maxWait = 30 * time.Second
	// unprovenGrace is the time from the stop signal to SIGKILL if StopTimeout is
	// unlimited and the worker has never served.
	unprovenGrace = 5 * time.Second
	// evictGrace is the time that an old worker above MaxOld gets to stop.
	evictGrace = 5 * time.Second
)

type state int

// The states of a worker, in this order. A worker may skip some.
const (
	starting state = iota // not ready yet
	serving               // ready and current; at most one worker
	retiring              // another worker is current; waits for KillOldDelay
	draining              // drain was sent
	leaving               // the stop signal was sent
	killed                // SIGKILL was sent
)

type worker struct {
	Worker
	evidence
	state      state
	stopSignal syscall.Signal // the signal to send, or sent
	began      time.Time
	served     bool      // it was current once
	since      time.Time // when it became current
	final      bool      // the reload to it can't be rolled back any more
	due        time.Time // when its state times out; zero: never
	limit      time.Time // of a drain and the stop together; zero: there was no drain
}

// A Machine is the state of the workers. Make it with its Rules.
type Machine struct {
	Rules
	workers         []*worker // oldest first, from spawn to exit
	generation      int       // of the newest worker; every attempt counts
	knownGood       Command   // command of the newest worker that did not crash early, or of the first that served
	ended           bool      // knownGood has exited by itself, as AllowExit permits
	last            Command   // command of the worker that served last; nil if that has crashed
	contention      bool      // an old worker held what a new worker needed
	requested       Command   // of the last reload
	pending         Command   // of the next worker; nil: no start is due
	startAt         time.Time // earliest time of the next start
	lastPromotion   time.Time // when a worker came to serve, or when a start to replace it was given up
	failures        int       // failed starts in a row
	crashCount      int       // early exits in a row, before or after readiness
	detached        Worker    // an exited worker whose detached processes are ended before the next start; zero: none
	clearing        bool      // they are being ended
	stopping        bool
	gaveUp          bool
	assumedReported bool // AssumedReady was reported
	todo            []Action
}

// Step handles one event and returns the actions that it calls for, in order.
func (m *Machine) Step(now time.Time, e Event) []Action {
	switch e := e.(type) {
	case Reload:
		m.reload(now, e.Command)
	case Cleared:
		m.clearing = false
	case Detached:
		m.detached = e.Left
	case Pace:
		m.AutoRestart, m.KillOldDelay = e.AutoRestart, e.KillOldDelay
	case Timeouts:
		m.Timeouts = e
	case Stop:
		m.stop(now, e.Signal)
	case workerEvent:
		if w := m.find(e.worker()); w != nil {
			m.handle(now, w, e)
		}
	}
	for _, w := range slices.Clone(m.workers) {
		if at := m.deadline(w); !at.IsZero() && !at.After(now) {
			m.expire(now, w)
		}
		m.pry(now, w)
	}
	m.restartAged(now)
	m.start(now)
	todo := m.todo
	m.todo = nil
	return todo
}

// Next returns the latest time for a tick, or zero for never.
func (m *Machine) Next() time.Time {
	var at time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, w := range m.workers {
		earlier(m.deadline(w))
		if w.state == starting {
			earlier(w.pryAt)
		}
	}
	if m.mayStart() {
		earlier(m.startAt)
	}
	earlier(m.restartAt())
	return at
}

// handle handles an event about one worker.
func (m *Machine) handle(now time.Time, w *worker, e Event) {
	switch e := e.(type) {
	case Started:
		w.PID, w.offered, w.born, w.pryAt = e.PID, e.Offered, now, now.Add(pryInterval)
		m.do(Report{Kind: Starting, Worker: w.Worker})
	case Drained:
		if w.state == draining {
			m.sendStop(now, w)
		}
	case WaitsFor:
		m.contends(now, w, e.Resource)
	case Lacks:
		if e.Resource != "" && e.Resource == w.suspect {
			m.contends(now, w, e.Resource)
		}
		w.suspect = e.Resource
	case HasExited:
		m.exited(now, w, e)
	default:
		m.note(now, w, e)
	}
}

// deadline returns when the state of w times out, or zero for never. For a starting
// worker that has served something, that is when it becomes ready.
func (m *Machine) deadline(w *worker) time.Time {
	if w.state == starting {
		if at := m.provenAt(w); !at.IsZero() {
			return at
		}
	}
	return w.due
}

// expire handles the timeout of the state of w.
func (m *Machine) expire(now time.Time, w *worker) {
	switch w.state {
	case starting:
		// A worker that lives is not stopped because it is not visible or silent.
		if at := m.provenAt(w); !at.IsZero() || m.Ready.Looks() && !w.dead && (w.unreadable != nil || !w.waitsSince.IsZero()) {
			m.promote(now, w)
			return
		}
		m.failed(now, w, Report{Kind: TimedOut, Elapsed: now.Sub(w.began)})
		w.stopSignal = syscall.SIGTERM
		m.sendStop(now, w)
	case retiring:
		m.do(Report{Kind: Retiring, Worker: w.Worker, Signal: w.stopSignal})
		m.retire(now, w, w.stopSignal, 0)
	case draining:
		m.do(Report{Kind: DrainTimedOut, Worker: w.Worker, Signal: w.stopSignal})
		m.sendStop(now, w)
	case serving:
		m.settle(w)
	case leaving:
		m.do(Report{Kind: Killing, Worker: w.Worker})
		m.kill(w)
	}
}

// reload requests a worker that runs c; nil: the current command again. If a
// worker is starting with the same command, one more start follows, and the first
// is not cut short. A start with another command is cancelled, unless its worker
// must finish. If processes of an exited worker have detached, they are ended
// first.
func (m *Machine) reload(now time.Time, c Command) {
	w := m.in(starting)
	if c == nil {
		c = m.currentCommand()
	}
	if c == nil || m.stopping {
		return
	}
	if m.detached.PID != 0 {
		m.do(EndDetached{m.detached, m.boundedGrace()})
		m.detached, m.clearing = Worker{}, true
	}
	if w != nil && w.Command != c && !m.mustFinish(w, c) {
		m.do(Report{Kind: Superseded, Worker: w.Worker})
		m.do(Forget{w.Generation})
		w.stopSignal = syscall.SIGTERM
		m.sendStop(now, w)
	}
	m.failures, m.crashCount, m.gaveUp = 0, 0, false
	m.pending, m.requested, m.startAt = c, c, now
}

// mustFinish reports whether a reload to c waits for the starting worker w. w may
// serve on sockets that are not kept, and nothing would serve if c failed.
func (m *Machine) mustFinish(w *worker, c Command) bool {
	return m.in(serving) == nil && m.commandToReturnTo(c) == nil && !w.announcesItself() && !m.provenAt(w).IsZero()
}

// currentCommand returns the command of a reload without one: the command that is
// about to run, that runs, or that has not run yet.
func (m *Machine) currentCommand() Command {
	if m.pending != nil {
		return m.pending
	}
	if w := m.in(starting); w != nil {
		return w.Command
	}
	if w := m.in(serving); w != nil {
		return w.Command
	}
	if m.knownGood != nil {
		return m.knownGood
	}
	return m.requested
}

func (m *Machine) mayStart() bool {
	return m.pending != nil && !m.stopping && !m.clearing && m.in(starting) == nil && !m.isBlocked()
}

// start spawns the next worker if its time has come.
func (m *Machine) start(now time.Time) {
	if !m.mayStart() || m.startAt.After(now) || !m.makeRoom(now) {
		return
	}
	m.generation++
	w := &worker{Worker: Worker{Generation: m.generation, Command: m.pending}, began: now}
	w.due = after(now, m.ReadyTimeout)
	m.workers = append(m.workers, w)
	m.pending = nil
	m.do(Spawn{w.Generation, w.Command, m.mayContend(w)})
}

// restartAt returns when AutoRestart replaces the serving worker, or zero for
// never. The time is twice as long while an older worker runs. It does not count
// before the older worker has been told to stop.
func (m *Machine) restartAt() time.Time {
	switch {
	case m.AutoRestart == 0, m.stopping, m.pending != nil, m.in(serving) == nil, m.in(starting) != nil, m.in(retiring) != nil:
		return time.Time{}
	case len(m.workers) > 1:
		return m.lastPromotion.Add(2 * m.AutoRestart)
	}
	return m.lastPromotion.Add(m.AutoRestart)
}

// restartAged reloads when AutoRestart is due.
func (m *Machine) restartAged(now time.Time) {
	if at := m.restartAt(); at.IsZero() || at.After(now) {
		return
	}
	m.do(Report{Kind: AutoRestart, Worker: m.in(serving).Worker, Elapsed: m.AutoRestart, Forced: len(m.workers) > 1})
	m.reload(now, nil)
}

// promote makes w the current worker and retires the previous one.
func (m *Machine) promote(now time.Time, w *worker) {
	old := m.in(serving)
	w.state, w.served, w.since = serving, true, now
	if w.due = after(now, m.Linger); old != nil { // old may serve again
		w.due = after(now, max(m.Linger, m.KillOldDelay))
	}
	if m.knownGood == nil || m.Rollback == 0 || m.ended {
		m.knownGood = w.Command
	}
	m.last, m.ended, m.failures, m.lastPromotion = w.Command, false, 0, now
	e := Report{Kind: Serving, Worker: w.Worker, Elapsed: now.Sub(w.began)}
	if why := m.whyAssumed(w); why != nil && !m.assumedReported {
		m.assumedReported = true
		m.do(Report{Kind: AssumedReady, Worker: w.Worker, Err: why})
	}
	if old != nil {
		e.Others, e.Signal, e.Delay = []Worker{old.Worker}, m.RetireSignal, m.KillOldDelay
	}
	m.do(e)
	if w.due.IsZero() {
		m.settle(w)
	}
	if old != nil {
		m.retire(now, old, m.RetireSignal, m.KillOldDelay)
	}
	m.evictExcess(now)
}

// settle ends the time in which a reload to w can be rolled back.
func (m *Machine) settle(w *worker) {
	w.due, w.final = time.Time{}, true
	m.knownGood = w.Command
	if m.Rollback > 0 {
		m.do(Report{Kind: Settled, Worker: w.Worker})
	}
	m.do(Settle{w.Generation})
}

// evictExcess stops the oldest of the old workers above MaxOld. A worker that has
// got its stop signal is killed.
func (m *Machine) evictExcess(now time.Time) {
	if m.MaxOld == 0 {
		return
	}
	old := slices.DeleteFunc(slices.Clone(m.workers), func(w *worker) bool { return !w.served || w.state == serving || w.state == killed })
	for _, w := range old[:max(len(old)-m.MaxOld, 0)] {
		if w.state == leaving {
			m.do(Report{Kind: Killing, Worker: w.Worker})
			m.kill(w)
			continue
		}
		w.limit = now.Add(evictGrace)
		m.do(Report{Kind: Retiring, Worker: w.Worker, Signal: w.stopSignal})
		m.sendStop(now, w)
	}
}

func (m *Machine) do(a Action) { m.todo = append(m.todo, a) }

func (m *Machine) find(generation int) *worker {
	for _, w := range m.workers {
		if w.Generation == generation {
			return w
		}
	}
	return nil
}

// in returns the newest worker in state s, or nil.
func (m *Machine) in(s state) *worker {
	for _, w := range slices.Backward(m.workers) {
		if w.state == s {
			return w
		}
	}
	return nil
}

// after returns now + d, or zero (never) if d is zero.
func after(now time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return now.Add(d)
}
