package machine

import (
	"syscall"
	"time"
)

// Timeouts are the Rules that can change, and the event that they have changed.
type Timeouts struct {
	ReadyTimeout time.Duration // maximum time of a start until the worker serves something; 0: unlimited
	ServeTimeout time.Duration // maximum time from then until the worker serves all that the current worker serves
	Linger       time.Duration // time for which sockets are kept that a new current worker does not use
	Rollback     time.Duration // a current worker that crashes earlier is replaced by the last good command; 0: never
	DrainTimeout time.Duration // from Drain to the stop signal; 0: no drain
	StopTimeout  time.Duration // from the stop signal to SIGKILL; 0: never
}

// Rules are the settings of a Machine.
type Rules struct {
	Timeouts
	Ready        Readiness
	Overlap      Overlap
	Interval     time.Duration // minimum time between two unrequested starts; see ByTime too
	KillOldDelay time.Duration // from the promotion of a worker to the stop of the previous one
	MaxFailures  int           // failed starts in a row before giving up; 0: unlimited
	MaxFirst     int           // MaxFailures until a worker has served; 0: MaxFailures
	MaxCrashes   int           // early exits in a row before giving up; 0: unlimited
	AllowExit    bool          // do not restart a worker that exits by itself with status 0
	MaxOld       int           // maximum number of old workers; 0: unlimited
	AutoRestart  time.Duration // time that a worker serves before it is replaced; 0: unlimited
	RestartDelay time.Duration // from a crash to the next start: a stop may follow, by the signal that ended the worker
	KeepRunning  bool          // after giving up with no worker left, wait for a reload
	RetireSignal syscall.Signal
}

// Readiness says what makes a worker ready, in the words of package starter. Any
// other value is a probe, which the worker has to answer.
type Readiness string

// The ways to become ready.
const (
	ByTime          Readiness = "interval" // the worker has run for Interval
	ByMessage       Readiness = "notify"   // the worker says so
	ByLook          Readiness = "accept"   // the kernel shows that the worker waits for connections
	ByMessageOrLook Readiness = "auto"     // the first of these
)

// Notifies reports whether a message of the worker makes it ready.
func (r Readiness) Notifies() bool { return r == ByMessage || r == ByMessageOrLook }

// Looks reports whether the state in the kernel makes a worker ready.
func (r Readiness) Looks() bool { return r == ByLook || r == ByMessageOrLook }

// Overlap says whether an old worker and a new one may run at the same time, in the
// words of package starter.
type Overlap string

// The rules of overlap.
const (
	Overlapping     Overlap = "on"   // they may
	OneAtATime      Overlap = "off"  // the old worker stops before the new one starts
	UntilContention Overlap = "auto" // they may until a new worker needs what an old one holds
)
