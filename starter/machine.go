package starter

import (
	"fmt"
	"slices"
	"syscall"
	"time"
)

// The machine decides, the loop in starter.go acts. It knows no clock, no
// process and no file: step takes an event and returns what is to be done,
// next says when it wants to be asked again.

// Events, with those of proof.go.
type (
	reload  struct{ command *Command } // nil: what runs now, again
	started struct {                   // answers spawn
		generation, pid int
		offered         []uint64 // stream sockets of the options
	}
	drained struct{ generation int } // it has nothing in flight any more
	exited  struct {
		generation int
		status     syscall.WaitStatus
		err        error  // why it could not be started at all
		lacks      string // what an older worker holds that it needs; "": nothing is known
	}
	paced struct{ autoRestart, killOldDelay time.Duration } // the rules of these names, from now on
	stop  struct{ signal syscall.Signal }
	tick  struct{}
)

// Actions.
type (
	spawn struct {
		generation int
		command    *Command
	}
	drain      struct{ generation int }
	sendSignal struct {
		generation int
		signal     syscall.Signal
	}
	settle struct{ generation int } // it stays current: what only older ones used can go
	forget struct{ generation int } // it never became current: what only it used can go
)

// rules are the numbers that the machine decides by.
type rules struct {
	ready        Readiness     // how a worker proves that it serves
	interval     time.Duration // between two starts that nobody asked for; see ReadyInterval too
	readyTimeout time.Duration // how long a start may take until the worker serves something; 0: for ever
	serveTimeout time.Duration // and from then on, until it serves all that the current worker serves
	linger       time.Duration // how long sockets are kept that a new current worker does not use
	overlap      Overlap       // whether an old worker and a new one may run at the same time
	rollback     time.Duration // how early a current worker dies that gives way to the last good command; 0: none does
	killOldDelay time.Duration // from "new worker serves" to the old one's retirement
	drainTimeout time.Duration // from drain to the signal; 0: never sends drain
	stopTimeout  time.Duration // from the signal to SIGKILL; 0: never
	maxFailures  int           // failed starts in a row before giving up; 0: never
	maxCrashes   int           // workers in a row that ended too early before no other is started; 0: never
	allowExit    bool          // what ends by itself with status 0 is done, and not started again
	maxFirst     int           // the same, as long as no worker has served; 0: maxFailures
	maxOld       int           // old workers that may live beside the current one; 0: any number
	autoRestart  time.Duration // how long a worker serves before it is replaced; 0: for ever
	restartDelay time.Duration // from the unexpected end of a worker to the next start: a stop may be about to come
	keepRunning  bool          // after giving up wait for a reload, also with no worker
	retireSignal syscall.Signal
}

const (
	// A worker that served for less did not really recover from what ended
	// the one before it: the wait before the next start keeps growing.
	stableAfter = 10 * time.Second
	// So many ends in a row cost no more than the interval each.
	freeRetries = 5
	maxWait     = 30 * time.Second
	// A worker that was never proven serves nobody, so the wait for it is
	// bounded even where that for a proven one is not.
	unprovenGrace = 5 * time.Second
	// An old worker too many gets so long to leave at its signal.
	evictGrace = 5 * time.Second
)

type state int

// A worker goes through these in this order, though not through each.
const (
	starting state = iota // spawned, not proven
	serving               // proven and current; at most one is
	retiring              // another is current; waits for killOldDelay
	draining              // told to drain
	leaving               // got its signal
	killed                // got SIGKILL
)

type worker struct {
	Worker
	evidence
	state      state
	stopSignal syscall.Signal // the signal that it gets, or got
	began      time.Time
	served     bool      // it was current once
	since      time.Time // when it became current
	final      bool      // the reload to it can't be undone any more
	due        time.Time // when its state ends by itself; zero: never
	limit      time.Time // of a drain and what follows together; zero: it did not drain
}

type machine struct {
	rules
	workers         []*worker // oldest first: in it from spawn to exit
	generation      int       // of the newest worker; every attempt counts
	knownGood       *Command  // what the newest worker runs that did not die early, or the first that served
	ended           bool      // what good ran has done its work and ended
	last            *Command  // what the worker ran that served last, unless that has died
	contention      bool      // an old worker held what a new one needed
	requested       *Command  // what the last reload asked for
	pending         *Command  // what the next worker is to run; nil: none is wanted
	startAt         time.Time // not before then
	lastPromotion   time.Time // when a worker came to serve, or a start to replace it was given up
	failures        int       // failed starts in a row
	crashCount      int       // workers in a row that ended too early, proven or not
	stopping        bool
	gaveUp          bool
	assumedReported bool // that workers can't be seen to accept was reported
	todo            []any
}

// step handles one event and returns the actions it calls for, in order.
func (m *machine) step(now time.Time, event any) []any {
	switch e := event.(type) {
	case reload:
		m.reload(now, e.command)
	case stop:
		m.stop(now, e.signal)
	case paced:
		m.autoRestart, m.killOldDelay = e.autoRestart, e.killOldDelay
	case tick:
	default:
		if w := m.find(generationOf(event)); w != nil {
			m.handle(now, w, event)
		}
	}
	for _, w := range slices.Clone(m.workers) {
		if at := m.deadline(w); !at.IsZero() && !at.After(now) {
			m.expire(now, w)
		}
	}
	m.restartAged(now)
	m.start(now)
	todo := m.todo
	m.todo = nil
	return todo
}

// next returns when to send a tick at the latest, or zero for never.
func (m *machine) next() time.Time {
	var at time.Time
	earlier := func(t time.Time) {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, w := range m.workers {
		earlier(m.deadline(w))
	}
	if m.mayStart() {
		earlier(m.startAt)
	}
	earlier(m.restartAt())
	return at
}

// done reports whether nothing is left to do, ever.
func (m *machine) done() bool {
	return (m.stopping || m.gaveUp) && len(m.workers) == 0
}

func generationOf(event any) int {
	switch e := event.(type) {
	case started:
		return e.generation
	case hello:
		return e.generation
	case saidReady:
		return e.generation
	case answered:
		return e.generation
	case listens:
		return e.generation
	case accepting:
		return e.generation
	case sees:
		return e.generation
	case closes:
		return e.generation
	case execed:
		return e.generation
	case contended:
		return e.generation
	case dying:
		return e.generation
	case drained:
		return e.generation
	case exited:
		return e.generation
	}
	panic(fmt.Sprintf("unknown event %T", event))
}

// heard handles what came from or about one worker.
func (m *machine) handle(now time.Time, w *worker, event any) {
	switch e := event.(type) {
	case started:
		w.PID, w.offered, w.born = e.pid, e.offered, now
		m.report(Event{Kind: Starting, Worker: w.Worker})
	case drained:
		if w.state == draining {
			m.sendStop(now, w)
		}
	case contended:
		if m.mayContend(w) {
			m.foundContention(now, w, e.what)
			w.stopSignal = syscall.SIGTERM
			m.sendStop(now, w)
		}
	case exited:
		m.exited(now, w, e)
	default:
		m.notes(now, w, e)
	}
}

// deadline is when the state of w ends by itself, or zero for never. A start
// whose worker has served something does not time out any more.
func (m *machine) deadline(w *worker) time.Time {
	if w.state == starting {
		if at := m.provenAt(w); !at.IsZero() {
			return at
		}
	}
	return w.due
}

// reload asks for a worker that runs c. While a start is under way, the
// same command again waits until that start is decided: its proof is never
// cut short. Another command makes the start pointless, so it ends, unless
// its worker is needed.
func (m *machine) reload(now time.Time, c *Command) {
	w := m.in(starting)
	if c == nil {
		c = m.currentCommand()
	}
	if c == nil || m.stopping {
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

// needs reports whether a reload to c waits for w, which starts and will be taken
// at its living: it may serve on sockets that nobody keeps, and if c failed,
// nothing else would.
func (m *machine) mustFinish(w *worker, c *Command) bool {
	return m.in(serving) == nil && m.fallback(c) == nil && !w.announcesItself() && !m.provenAt(w).IsZero()
}

// latest is the command that a reload without one means: what is about to
// run, what runs, or what never ran yet.
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

// start spawns the worker that is wanted, if its time has come.
func (m *machine) start(now time.Time) {
	if !m.mayStart() || m.startAt.After(now) || !m.makeRoom(now) {
		return
	}
	m.generation++
	w := &worker{Worker: Worker{Generation: m.generation, Command: m.pending}, began: now}
	w.due = after(now, m.readyTimeout)
	m.workers = append(m.workers, w)
	m.pending = nil
	m.do(spawn{w.Generation, w.Command})
}

// renewal is when the serving worker is to be replaced for its age, or never:
// the time is doubled while an older one still lives. A reload is over when
// the older one has been told.
func (m *machine) restartAt() time.Time {
	switch {
	case m.autoRestart == 0, m.stopping, m.pending != nil, m.in(serving) == nil, m.in(starting) != nil, m.in(retiring) != nil:
		return time.Time{}
	case len(m.workers) > 1:
		return m.lastPromotion.Add(2 * m.autoRestart)
	}
	return m.lastPromotion.Add(m.autoRestart)
}

// renew reloads when a worker has served for long enough.
func (m *machine) restartAged(now time.Time) {
	if at := m.restartAt(); at.IsZero() || at.After(now) {
		return
	}
	m.report(Event{Kind: AutoRestart, Worker: m.in(serving).Worker, Elapsed: m.autoRestart, Forced: len(m.workers) > 1})
	m.reload(now, nil)
}

// promote makes w the current worker and sends the one before it away.
func (m *machine) promote(now time.Time, w *worker) {
	old := m.in(serving)
	w.state, w.served, w.since = serving, true, now
	if w.due = after(now, m.linger); old != nil { // which may come to serve again
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

// settle ends the time in which a reload to w can be undone.
func (m *machine) settle(w *worker) {
	w.due, w.final = time.Time{}, true
	m.knownGood = w.Command
	if m.rollback > 0 {
		m.report(Event{Kind: Settled, Worker: w.Worker})
	}
	m.do(settle{w.Generation})
}

// thin hurries the oldest of more old workers than there may be: one that
// has not got its signal gets it, one that has is killed.
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

func (m *machine) do(action any) { m.todo = append(m.todo, action) }

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

// likelyCulprit is the worker that may have harmed what all share: one that is about
// to leave closes things, one that serves rarely does.
func (m *machine) likelyCulprit() Worker {
	for _, s := range []state{leaving, draining, serving, starting, killed, retiring} {
		if w := m.in(s); w != nil {
			return w.Worker
		}
	}
	return Worker{}
}

// stays reports whether a worker may go on to serve.
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

// proven lists the workers that serve or have served.
func (m *machine) readyWorkers() []Worker {
	var proven []Worker
	for _, w := range m.workers {
		if w.served {
			proven = append(proven, w.Worker)
		}
	}
	return proven
}

// after is now + d, or never if d is zero.
func after(now time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return now.Add(d)
}
