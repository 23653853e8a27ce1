package starter

import (
	"slices"
	"syscall"
	"time"
)

// The machine decides, the loop in loop.go acts. The machine knows no clock, no
// process and no file: step takes an event and returns the actions that it calls
// for, next returns when the machine wants to be asked again.

// event is what step handles. worker returns the generation of the worker that the
// event is about, or 0.
type event interface{ worker() int }

// Events. More are in proof.go and overlap.go.
type (
	reload  struct{ command *Command } // nil: the current command again
	started struct {                   // the answer to spawn
		generation, pid int
		offered         []uint64 // inodes of the inherited stream sockets
	}
	drained struct{ generation int } // the worker has nothing in flight
	exited  struct {
		generation int
		status     syscall.WaitStatus
		err        error  // why the program could not be started
		lacks      string // what the worker needs and an older worker holds; "": not known
	}
	detached struct{ left Worker } // an exited worker has left processes that have detached
	cleared  struct{}              // the answer to endDetached
	paced    struct{ autoRestart, killOldDelay time.Duration }
	stop     struct{ signal syscall.Signal }
	tick     struct{}
)

func (reload) worker() int    { return 0 }
func (e started) worker() int { return e.generation }
func (e drained) worker() int { return e.generation }
func (e exited) worker() int  { return e.generation }
func (detached) worker() int  { return 0 }
func (cleared) worker() int   { return 0 }
func (paced) worker() int     { return 0 }
func (timeouts) worker() int  { return 0 }
func (stop) worker() int      { return 0 }
func (tick) worker() int      { return 0 }

// action is what the loop does for the machine.
type action interface{ isAction() }

// Actions. An Event is reported.
type (
	spawn struct {
		generation int
		command    *Command
		observe    bool // watch what older workers hold, for pry and exited.lacks
	}
	pry struct { // look what a starting worker waits for; answered by contended or lacking
		generation int
		deep       bool // also look what it may lack
	}
	drain      struct{ generation int }
	sendSignal struct {
		generation int
		signal     syscall.Signal
	}
	settle      struct{ generation int } // the worker stays current: release what only older workers use
	forget      struct{ generation int } // the worker never became current: release what only it uses
	endDetached struct {                 // end the processes that an exited worker has left
		left  Worker
		grace time.Duration // from SIGTERM to SIGKILL
	}
)

func (Event) isAction()       {}
func (spawn) isAction()       {}
func (pry) isAction()         {}
func (drain) isAction()       {}
func (sendSignal) isAction()  {}
func (settle) isAction()      {}
func (forget) isAction()      {}
func (endDetached) isAction() {}

// timeouts are the rules that Starter.SetTimeouts changes, and that event.
type timeouts struct {
	readyTimeout time.Duration // maximum time of a start until the worker serves something; 0: unlimited
	serveTimeout time.Duration // maximum time from then until the worker serves all that the current worker serves
	linger       time.Duration // time for which sockets are kept that a new current worker does not use
	rollback     time.Duration // a current worker that dies earlier is replaced by the last good command; 0: never
	drainTimeout time.Duration // from drain to the stop signal; 0: no drain
	stopTimeout  time.Duration // from the stop signal to SIGKILL; 0: never
}

// rules are the settings of the machine.
type rules struct {
	timeouts
	ready        Readiness     // how a worker proves that it serves
	interval     time.Duration // minimum time between two unrequested starts; see ReadyInterval too
	overlap      Overlap       // whether an old worker and a new one may run at the same time
	killOldDelay time.Duration // from the promotion of a worker to the stop of the previous one
	maxFailures  int           // failed starts in a row before giving up; 0: unlimited
	maxFirst     int           // maxFailures until a worker has served; 0: maxFailures
	maxCrashes   int           // early exits in a row before giving up; 0: unlimited
	allowExit    bool          // do not restart a worker that exits by itself with status 0
	maxOld       int           // maximum number of old workers; 0: unlimited
	autoRestart  time.Duration // time that a worker serves before it is replaced; 0: unlimited
	restartDelay time.Duration // from a crash to the next start: a stop may follow, by the signal that ended the worker
	keepRunning  bool          // after giving up with no worker left, wait for a reload
	retireSignal syscall.Signal
}

const (
	// stableAfter is the time after which the exit of a worker does not count as a
	// repetition of the exit before it.
	stableAfter = 10 * time.Second
	// freeRetries is the number of exits in a row before the backoff begins.
	freeRetries = 5
	// maxWait limits the backoff.
	maxWait = 30 * time.Second
	// unprovenGrace is the time from the stop signal to SIGKILL if stopTimeout is
	// unlimited and the worker has never served.
	unprovenGrace = 5 * time.Second
	// evictGrace is the time that an old worker above maxOld gets to stop.
	evictGrace = 5 * time.Second
)

type state int

// The states of a worker, in this order. A worker may skip some.
const (
	starting state = iota // not ready yet
	serving               // ready and current; at most one worker
	retiring              // another worker is current; waits for killOldDelay
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

type machine struct {
	rules
	workers         []*worker // oldest first, from spawn to exit
	generation      int       // of the newest worker; every attempt counts
	knownGood       *Command  // command of the newest worker that did not crash early, or of the first that served
	ended           bool      // knownGood has exited by itself, as allowExit permits
	last            *Command  // command of the worker that served last; nil if that has crashed
	contention      bool      // an old worker held what a new worker needed
	requested       *Command  // of the last reload
	pending         *Command  // of the next worker; nil: no start is due
	startAt         time.Time // earliest time of the next start
	lastPromotion   time.Time // when a worker came to serve, or when a start to replace it was given up
	failures        int       // failed starts in a row
	crashCount      int       // early exits in a row, before or after readiness
	detached        Worker    // an exited worker whose detached processes are ended before the next start; zero: none
	clearing        bool      // they are being ended
	postponed       *Command  // of the reload that waits for that; nil: the current command again
	stopping        bool
	gaveUp          bool
	assumedReported bool // AssumedReady was reported
	todo            []action
}

// step handles one event and returns the actions that it calls for, in order.
func (m *machine) step(now time.Time, e event) []action {
	switch e := e.(type) {
	case reload:
		m.reload(now, e.command)
	case cleared:
		m.clearing = false
		m.reload(now, m.postponed)
	case detached:
		m.detached = e.left
	case paced:
		m.autoRestart, m.killOldDelay = e.autoRestart, e.killOldDelay
	case timeouts:
		m.timeouts = e
	case stop:
		m.stop(now, e.signal)
	case tick:
	default:
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

// next returns the latest time for a tick, or zero for never.
func (m *machine) next() time.Time {
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

// done reports whether the machine has finished.
func (m *machine) done() bool {
	return (m.stopping || m.gaveUp) && len(m.workers) == 0
}

// handle handles an event about one worker.
func (m *machine) handle(now time.Time, w *worker, e event) {
	switch e := e.(type) {
	case started:
		w.PID, w.offered, w.born, w.pryAt = e.pid, e.offered, now, now.Add(pryInterval)
		m.report(Event{Kind: Starting, Worker: w.Worker})
	case drained:
		if w.state == draining {
			m.sendStop(now, w)
		}
	case contended:
		m.contends(now, w, e.what)
	case lacking:
		if e.what != "" && e.what == w.suspect {
			m.contends(now, w, e.what)
		}
		w.suspect = e.what
	case exited:
		m.exited(now, w, e)
	default:
		m.note(now, w, e)
	}
}

// deadline returns when the state of w times out, or zero for never. For a starting
// worker that has served something, that is when it becomes ready.
func (m *machine) deadline(w *worker) time.Time {
	if w.state == starting {
		if at := m.provenAt(w); !at.IsZero() {
			return at
		}
	}
	return w.due
}

// reload requests a worker that runs command; nil: the current command again. If a
// worker is starting with the same command, one more start follows, and the first
// is not cut short. A start with another command is cancelled, unless its worker
// must finish. If processes of an exited worker have detached, they are ended
// first.
func (m *machine) reload(now time.Time, command *Command) {
	w, c := m.in(starting), command
	if c == nil {
		c = m.currentCommand()
	}
	if c == nil || m.stopping {
		return
	}
	if m.detached.PID != 0 {
		m.do(endDetached{m.detached, m.boundedGrace()})
		m.detached, m.clearing, m.postponed = Worker{}, true, nil
	}
	if m.clearing {
		if command != nil {
			m.postponed = command
		}
		return
	}
	if w != nil && w.Command != c && !m.mustFinish(w, c) {
		m.report(Event{Kind: Superseded, Worker: w.Worker})
		m.do(forget{w.Generation})
		w.stopSignal = syscall.SIGTERM
		m.sendStop(now, w)
	}
	m.failures, m.crashCount, m.gaveUp = 0, 0, false
	m.pending, m.requested, m.startAt = c, c, now
}

// mustFinish reports whether a reload to c waits for the starting worker w. w may
// serve on sockets that are not kept, and nothing would serve if c failed.
func (m *machine) mustFinish(w *worker, c *Command) bool {
	return m.in(serving) == nil && m.fallback(c) == nil && !w.announcesItself() && !m.provenAt(w).IsZero()
}

// currentCommand returns the command of a reload without one: the command that is
// about to run, that runs, or that has not run yet.
func (m *machine) currentCommand() *Command {
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

func (m *machine) mayStart() bool {
	return m.pending != nil && !m.stopping && m.in(starting) == nil && !m.isBlocked()
}

// start spawns the next worker if its time has come.
func (m *machine) start(now time.Time) {
	if !m.mayStart() || m.startAt.After(now) || !m.makeRoom(now) {
		return
	}
	m.generation++
	w := &worker{Worker: Worker{Generation: m.generation, Command: m.pending}, began: now}
	w.due = after(now, m.readyTimeout)
	m.workers = append(m.workers, w)
	m.pending = nil
	m.do(spawn{w.Generation, w.Command, m.mayContend(w)})
}

// restartAt returns when autoRestart replaces the serving worker, or zero for
// never. The time is twice as long while an older worker runs. It does not count
// before the older worker has been told to stop.
func (m *machine) restartAt() time.Time {
	switch {
	case m.autoRestart == 0, m.stopping, m.pending != nil, m.in(serving) == nil, m.in(starting) != nil, m.in(retiring) != nil:
		return time.Time{}
	case len(m.workers) > 1:
		return m.lastPromotion.Add(2 * m.autoRestart)
	}
	return m.lastPromotion.Add(m.autoRestart)
}

// restartAged reloads when autoRestart is due.
func (m *machine) restartAged(now time.Time) {
	if at := m.restartAt(); at.IsZero() || at.After(now) {
		return
	}
	m.report(Event{Kind: AutoRestart, Worker: m.in(serving).Worker, Elapsed: m.autoRestart, Forced: len(m.workers) > 1})
	m.reload(now, nil)
}

// promote makes w the current worker and retires the previous one.
func (m *machine) promote(now time.Time, w *worker) {
	old := m.in(serving)
	w.state, w.served, w.since = serving, true, now
	if w.due = after(now, m.linger); old != nil { // old may serve again
		w.due = after(now, max(m.linger, m.killOldDelay))
	}
	if m.knownGood == nil || m.rollback == 0 || m.ended {
		m.knownGood = w.Command
	}
	m.last, m.ended, m.failures, m.lastPromotion = w.Command, false, 0, now
	e := Event{Kind: Serving, Worker: w.Worker, Elapsed: now.Sub(w.began)}
	if why := m.whyAssumed(w); why != nil && !m.assumedReported {
		m.assumedReported = true
		m.report(Event{Kind: AssumedReady, Worker: w.Worker, Err: why})
	}
	if old != nil {
		e.Others, e.Signal, e.Delay = []Worker{old.Worker}, m.retireSignal, m.killOldDelay
	}
	m.report(e)
	if w.due.IsZero() {
		m.settle(w)
	}
	if old != nil {
		m.retire(now, old, m.retireSignal, m.killOldDelay)
	}
	m.evictExcess(now)
}

// settle ends the time in which a reload to w can be rolled back.
func (m *machine) settle(w *worker) {
	w.due, w.final = time.Time{}, true
	m.knownGood = w.Command
	if m.rollback > 0 {
		m.report(Event{Kind: Settled, Worker: w.Worker})
	}
	m.do(settle{w.Generation})
}

// evictExcess stops the oldest of the old workers above maxOld. A worker that has
// got its stop signal is killed.
func (m *machine) evictExcess(now time.Time) {
	if m.maxOld == 0 {
		return
	}
	old := slices.DeleteFunc(slices.Clone(m.workers), func(w *worker) bool { return !w.served || w.state == serving || w.state == killed })
	for _, w := range old[:max(len(old)-m.maxOld, 0)] {
		if w.state == leaving {
			m.report(Event{Kind: Killing, Worker: w.Worker})
			m.kill(w)
			continue
		}
		w.limit = now.Add(evictGrace)
		m.report(Event{Kind: Retiring, Worker: w.Worker, Signal: w.stopSignal})
		m.sendStop(now, w)
	}
}

func (m *machine) do(a action) { m.todo = append(m.todo, a) }

func (m *machine) report(e Event) { m.do(e) }

func (m *machine) find(generation int) *worker {
	for _, w := range m.workers {
		if w.Generation == generation {
			return w
		}
	}
	return nil
}

// in returns the newest worker in state s, or nil.
func (m *machine) in(s state) *worker {
	for _, w := range slices.Backward(m.workers) {
		if w.state == s {
			return w
		}
	}
	return nil
}

// likelyCulprit returns the worker that has most likely damaged what all workers
// share: a worker that stops closes things, a worker that serves rarely does.
func (m *machine) likelyCulprit() Worker {
	for _, s := range []state{leaving, draining, serving, starting, killed, retiring} {
		if w := m.in(s); w != nil {
			return w.Worker
		}
	}
	return Worker{}
}

// mayServe reports whether a worker serves or may come to serve.
func (m *machine) mayServe(generation int) bool {
	w := m.find(generation)
	return w != nil && w.state <= serving
}

func (m *machine) all() []Worker {
	var all []Worker
	for _, w := range m.workers {
		all = append(all, w.Worker)
	}
	return all
}

// readyWorkers lists the workers that serve or have served.
func (m *machine) readyWorkers() []Worker {
	var ready []Worker
	for _, w := range m.workers {
		if w.served {
			ready = append(ready, w.Worker)
		}
	}
	return ready
}

// after returns now + d, or zero (never) if d is zero.
func after(now time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return now.Add(d)
}
