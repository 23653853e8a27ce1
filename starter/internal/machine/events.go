package machine

import (
	"syscall"
	"time"
)

// An Event is what Step handles: one of the types below, or Timeouts.
type Event any

// workerEvent is an Event about one worker. worker returns its generation.
type workerEvent interface{ worker() int }

// The events. Worker is a generation, a socket is the inode of a kept socket.
type (
	// Reload requests a worker that runs a command; nil: the current command again.
	Reload struct{ Command Command }
	// Pace changes Rules.AutoRestart and Rules.KillOldDelay.
	Pace struct{ AutoRestart, KillOldDelay time.Duration }
	// Stop stops every worker. A second Stop kills them.
	Stop struct{ Signal syscall.Signal }
	// Tick says that the time of Next has come.
	Tick struct{}
	// Detached says that an exited worker has left processes that have detached.
	Detached struct{ Left Worker }
	// Cleared answers EndDetached.
	Cleared struct{}

	// Started answers Spawn. Offered are the stream sockets that the worker inherits.
	Started struct {
		Worker, PID int
		Offered     []uint64
	}
	// Hello says that a worker understands Drain.
	Hello int
	// SaidReady says that a worker says that it serves.
	SaidReady int
	// Answered says that the probe of a worker succeeded.
	Answered int
	// Listens says that a worker listens on a socket.
	Listens struct {
		Worker int
		Socket uint64
	}
	// Accepts says that a worker says that it accepts on a socket.
	Accepts Listens
	// Closes says that a worker has closed its copies of a socket.
	Closes Listens
	// Sees says that what the kernel shows of a starting worker has changed.
	Sees struct {
		Worker int
		Look
	}
	// Execed says that a worker has executed another program, which has no broker.
	Execed int
	// WaitsFor answers Pry: the worker waits for a lock of an older worker.
	WaitsFor struct {
		Worker   int
		Resource string
	}
	// Lacks answers Pry: the worker seems to need what an older worker holds; "":
	// nothing.
	Lacks WaitsFor
	// Dying says that a worker has exited; HasExited follows.
	Dying int
	// Drained says that a worker has nothing in flight.
	Drained int
	// HasExited says that a worker has exited, or could not be started.
	HasExited struct {
		Worker int
		Status syscall.WaitStatus
		Err    error  // why its program did not run
		Lacks  string // what it needs and an older worker holds; "": not known
	}
)

// A Look is what the kernel shows of the kept sockets while a worker starts.
type Look struct {
	Waits      []uint64 // sockets on which the starting worker waits for connections
	MayWait    []uint64 // sockets on which it may wait, which the kernel does not show
	Unreadable error    // why not everything can be seen; nil: it can
	Current    []uint64 // sockets on which the current worker waits for connections
}

func (e Started) worker() int   { return e.Worker }
func (e Hello) worker() int     { return int(e) }
func (e SaidReady) worker() int { return int(e) }
func (e Answered) worker() int  { return int(e) }
func (e Listens) worker() int   { return e.Worker }
func (e Accepts) worker() int   { return e.Worker }
func (e Closes) worker() int    { return e.Worker }
func (e Sees) worker() int      { return e.Worker }
func (e Execed) worker() int    { return int(e) }
func (e WaitsFor) worker() int  { return e.Worker }
func (e Lacks) worker() int     { return e.Worker }
func (e Dying) worker() int     { return int(e) }
func (e Drained) worker() int   { return int(e) }
func (e HasExited) worker() int { return e.Worker }

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
