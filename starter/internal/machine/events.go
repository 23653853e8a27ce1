package machine

import (
	"syscall"
	"time"
)

// An Event is what Step handles. worker returns the generation of the worker that
// the event is about, or 0.
type Event interface{ worker() int }

// The events. Sockets are inodes of kept sockets.
type (
	reload   struct{ command Command }
	detached struct{ left Worker }
	cleared  struct{}
	paced    struct{ autoRestart, killOldDelay time.Duration }
	stop     struct{ signal syscall.Signal }
	tick     struct{}

	started struct {
		generation, pid int
		offered         []uint64
	}
	hello     struct{ generation int }
	saidReady struct{ generation int }
	answered  struct{ generation int }
	listens   struct {
		generation int
		socket     uint64
	}
	accepting struct {
		generation int
		socket     uint64
	}
	sees struct {
		generation int
		Look
	}
	closes struct {
		generation int
		socket     uint64
	}
	execed    struct{ generation int }
	contended struct {
		generation int
		what       string
	}
	lacking struct {
		generation int
		what       string
	}
	dying   struct{ generation int }
	drained struct{ generation int }
	exited  struct {
		generation int
		status     syscall.WaitStatus
		err        error
		lacks      string
	}
)

func (reload) worker() int      { return 0 }
func (detached) worker() int    { return 0 }
func (cleared) worker() int     { return 0 }
func (paced) worker() int       { return 0 }
func (Timeouts) worker() int    { return 0 }
func (stop) worker() int        { return 0 }
func (tick) worker() int        { return 0 }
func (e started) worker() int   { return e.generation }
func (e hello) worker() int     { return e.generation }
func (e saidReady) worker() int { return e.generation }
func (e answered) worker() int  { return e.generation }
func (e listens) worker() int   { return e.generation }
func (e accepting) worker() int { return e.generation }
func (e sees) worker() int      { return e.generation }
func (e closes) worker() int    { return e.generation }
func (e execed) worker() int    { return e.generation }
func (e contended) worker() int { return e.generation }
func (e lacking) worker() int   { return e.generation }
func (e dying) worker() int     { return e.generation }
func (e drained) worker() int   { return e.generation }
func (e exited) worker() int    { return e.generation }

// Reload requests a worker that runs a command; nil: the current command again.
func Reload(c Command) Event { return reload{c} }

// Pace changes Rules.AutoRestart and Rules.KillOldDelay.
func Pace(autoRestart, killOldDelay time.Duration) Event { return paced{autoRestart, killOldDelay} }

// Stop stops every worker. A second Stop kills them.
func Stop(signal syscall.Signal) Event { return stop{signal} }

// Tick says that the time of Next has come.
func Tick() Event { return tick{} }

// Started answers Spawn. offered are the stream sockets that the worker inherits.
func Started(generation, pid int, offered []uint64) Event { return started{generation, pid, offered} }

// Hello says that a worker understands Drain.
func Hello(generation int) Event { return hello{generation} }

// SaidReady says that a worker says that it serves.
func SaidReady(generation int) Event { return saidReady{generation} }

// Answered says that the probe of a worker succeeded.
func Answered(generation int) Event { return answered{generation} }

// Listens says that a worker listens on a socket.
func Listens(generation int, socket uint64) Event { return listens{generation, socket} }

// Accepts says that a worker says that it accepts on a socket.
func Accepts(generation int, socket uint64) Event { return accepting{generation, socket} }

// A Look is what the kernel shows of the kept sockets while a worker starts.
type Look struct {
	Waits      []uint64 // sockets on which the starting worker waits for connections
	MayWait    []uint64 // sockets on which it may wait, which the kernel does not show
	Unreadable error    // why not everything can be seen; nil: it can
	Current    []uint64 // sockets on which the current worker waits for connections
}

// Sees says that what the kernel shows of a starting worker has changed.
func Sees(generation int, l Look) Event { return sees{generation, l} }

// Closes says that a worker has closed its copies of a socket.
func Closes(generation int, socket uint64) Event { return closes{generation, socket} }

// Execed says that a worker has executed another program, which has no broker.
func Execed(generation int) Event { return execed{generation} }

// WaitsFor answers Pry: the worker waits for what, a lock of an older worker.
func WaitsFor(generation int, what string) Event { return contended{generation, what} }

// Lacks answers Pry: the worker seems to need what, which an older worker holds;
// "": nothing.
func Lacks(generation int, what string) Event { return lacking{generation, what} }

// Dying says that a worker has exited; HasExited follows.
func Dying(generation int) Event { return dying{generation} }

// Drained says that a worker has nothing in flight.
func Drained(generation int) Event { return drained{generation} }

// HasExited says that a worker has exited. lacks is what the worker needs and an
// older worker holds; "": not known.
func HasExited(generation int, status syscall.WaitStatus, lacks string) Event {
	return exited{generation: generation, status: status, lacks: lacks}
}

// NotStarted says that the program of a worker could not be started.
func NotStarted(generation int, status syscall.WaitStatus, err error) Event {
	return exited{generation: generation, status: status, err: err}
}

// Detached says that an exited worker has left processes that have detached.
func Detached(left Worker) Event { return detached{left} }

// Cleared answers EndDetached.
func Cleared() Event { return cleared{} }

// An Action is what the caller does for the machine.
type Action interface{ isAction() }

type (
	// Spawn starts a worker; answered by Started or NotStarted.
	Spawn struct {
		Generation int
		Command    Command
		Observe    bool // watch what older workers hold, for Pry and HasExited
	}
	// Pry looks what a starting worker waits for; answered by WaitsFor or Lacks.
	Pry struct {
		Generation int
		Deep       bool // look what the worker may lack, too
	}
	// Drain tells a worker to drain; answered by Drained.
	Drain struct{ Generation int }
	// Signal sends a signal to a worker.
	Signal struct {
		Generation int
		Signal     syscall.Signal
	}
	// Settle says that a worker stays current: release what only older workers use.
	Settle struct{ Generation int }
	// Forget says that a worker never became current: release what only it uses.
	Forget struct{ Generation int }
	// EndDetached ends the processes that an exited worker has left; answered by
	// Cleared.
	EndDetached struct {
		Left  Worker
		Grace time.Duration // from SIGTERM to SIGKILL
	}
	// A Report is a change in the state of the workers. Kind says which of the other
	// fields are set.
	Report struct {
		Kind       Kind
		Worker     Worker
		Others     []Worker
		Signal     syscall.Signal
		Status     syscall.WaitStatus
		Err        error
		Elapsed    time.Duration
		Failures   int
		Restarting bool
		Delay      time.Duration
		Forced     bool
		Rollback   Command
		Resource   string
	}
)

func (Spawn) isAction()       {}
func (Pry) isAction()         {}
func (Drain) isAction()       {}
func (Signal) isAction()      {}
func (Settle) isAction()      {}
func (Forget) isAction()      {}
func (EndDetached) isAction() {}
func (Report) isAction()      {}

// Kind is the type of a Report. The public constants of package starter have the
// same names, and say what they mean.
type Kind int

// The kinds of reports.
const (
	Starting Kind = iota + 1
	Serving
	Superseded
	Failed
	TimedOut
	GaveUp
	Crashed
	RolledBack
	Settled
	Completed
	Exited
	Killing
	Stopping
	DrainTimedOut
	Retiring
	AutoRestart
	AssumedReady
	Contended
	LastKind = Contended
)

var kinds = [...]string{
	"Kind(0)", "Starting", "Serving", "Superseded", "Failed", "TimedOut", "GaveUp", "Crashed", "RolledBack", "Settled", "Completed", "Exited",
	"Killing", "Stopping", "DrainTimedOut", "Retiring", "AutoRestart", "AssumedReady", "Contended",
}

// String returns the name of the constant.
func (k Kind) String() string { return kinds[k] }

// A Command is the program of a worker. Its dynamic type is comparable.
type Command interface {
	// ExpectHello reports whether the program says hello before it accepts.
	ExpectHello() bool
}

// A Worker is one start of a Command.
type Worker struct {
	Generation int
	PID        int // 0 before it is started
	Command    Command
}
