// Package control lets people, scripts and editors ask a hotstart that runs, and tell
// it what to do: HTTP/1.1 with JSON over a unix socket of the user, never over TCP.
// docs/control.md documents the API.
//
// api.go has the answers, server.go the server, client.go the client, place.go where
// the socket is, listener.go who may connect, and feed.go the bounded logs that
// clients follow.
package control

import (
	"context"
	"errors"
	"time"
)

// Mode is the command that a hotstart runs.
type Mode string

// The modes.
const (
	Watch Mode = "watch"
	Run   Mode = "run"
)

// State is what a hotstart does, in one word.
type State string

// The states. Building and starting come before failing: while newer code is on its
// way, the last failure may be fixed already.
const (
	Waiting  State = "waiting"  // nothing is built before the first change (--postpone)
	Building State = "building" // a build, or a rule before it, is under way
	Starting State = "starting" // a worker is not ready yet
	Serving  State = "serving"  // the newest code is served
	Ended    State = "ended"    // the program has exited by itself with status 0
	Failing  State = "failing"  // the newest code is not served, because of a failure
	Stopping State = "stopping" // hotstart ends
)

// Status is the whole state of a hotstart.
type Status struct {
	Instance  Instance `json:"instance"`
	State     State    `json:"state"`
	Serving   *Worker  `json:"serving,omitempty"`  // nil: no worker serves
	Starting  *Worker  `json:"starting,omitempty"` // the worker that is to serve next; nil: there is none
	Draining  []Worker `json:"draining,omitempty"` // older workers that still run
	Failure   *Failure `json:"failure,omitempty"`  // why the newest code is not served; nil: it is, or it is on its way
	Addresses []string `json:"addresses,omitempty"`
	Build     *Build   `json:"build,omitempty"` // nil: nothing has been built
	Counters  Counters `json:"counters"`
}

// Build is how the program that serves, or served last, was built, and what makes the next
// build fast.
type Build struct {
	LinkedBy string `json:"linked_by"`        // "delta", "linker" or "go command"
	Delta    Delta  `json:"delta"`            // of the next edit
	Reason   string `json:"reason,omitempty"` // why the go command makes all builds; "": it does not
}

// Delta says whether an edit can be linked by delta.
type Delta struct {
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"` // why it can't, or why the last edit was not; "": it can, or was
}

// Instance identifies a hotstart.
type Instance struct {
	PID     int       `json:"pid"`
	Mode    Mode      `json:"mode"`
	Version string    `json:"version,omitempty"`
	Dir     string    `json:"dir"`            // absolute folder of the project or the program
	Name    string    `json:"name,omitempty"` // of --name
	Began   time.Time `json:"began"`
}

// Worker is one process of the program.
type Worker struct {
	Generation int        `json:"generation"` // number of the start, from 1
	PID        int        `json:"pid"`
	Since      time.Time  `json:"since"`                 // of the state: began to start, became ready, or was told to finish
	Built      *time.Time `json:"built,omitempty"`       // start of the build; the code is of this time
	BuildMS    float64    `json:"build_ms,omitempty"`    // duration of the build
	ReadyMS    float64    `json:"ready_ms,omitempty"`    // duration from the start until the worker was ready
	Accepts    *bool      `json:"accepts,omitempty"`     // of a draining worker: it may still accept connections; nil: not known
	Connected  *int       `json:"connections,omitempty"` // open connections, as far as the kernel shows; nil: not known
}

// Reason is the kind of a failure.
type Reason string

// The reasons.
const (
	BuildFailed     Reason = "build"    // the code has errors, or can't be built
	RuleFailed      Reason = "rule"     // the command of a rule has failed
	StartFailed     Reason = "start"    // the new worker did not become ready
	Crashed         Reason = "crash"    // a worker that served has ended by itself
	SettingsInvalid Reason = "settings" // the settings file can't be applied
	NotWatched      Reason = "watch"    // the files that the build reads are not known
	NothingRuns     Reason = "nothing"  // no program has been started
)

// Failure is why the newest code is not served.
type Failure struct {
	Reason      Reason       `json:"reason"`
	Message     string       `json:"message"` // one line
	Since       time.Time    `json:"since"`   // of the first failure of this kind in a row
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
	Command     string       `json:"command,omitempty"` // of a rule
	Output      []string     `json:"output,omitempty"`  // last lines of the worker or the command
	Hint        string       `json:"hint,omitempty"`    // command to type next
}

// Diagnostic is a message about a place in the code: an error of the compiler, or the
// place of a panic.
type Diagnostic struct {
	File    string `json:"file,omitempty"` // absolute; "": not known
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"` // in bytes, from 1; 0: not known
	Message string `json:"message"`
	Panic   bool   `json:"panic,omitempty"`
}

// Counters count since the hotstart began.
type Counters struct {
	Builds       int `json:"builds"`        // that have ended, failed ones included
	BuildsFailed int `json:"builds_failed"` // code with errors
	Starts       int `json:"starts"`        // of workers
	StartsFailed int `json:"starts_failed"` // workers that did not become ready
	Reloads      int `json:"reloads"`       // workers that took over from another one
	Crashes      int `json:"crashes"`       // workers that ended by themselves after they were ready
	// Drops are connections that the kernel has refused or dropped because a listen queue
	// was full: ListenOverflows and ListenDrops of the network namespace, of all programs
	// in it. nil: the system does not tell.
	Drops *int64 `json:"listen_drops,omitempty"`
}

// Outcome is how a wait ended.
type Outcome string

// The outcomes.
const (
	Served   Outcome = "served"   // what was on disk at the call is served, or something newer
	Failed   Outcome = "failed"   // it can't be served; Result.Failure has the reason
	TimedOut Outcome = "timeout"  // the time is up
	Ends     Outcome = "stopping" // hotstart ends
	Accepted Outcome = "accepted" // the request is carried out; nobody waits for its end
)

// ErrEnds means that hotstart answers no more, because it ends.
var ErrEnds = errors.New("the hotstart that was asked ends")

// Result answers a wait, or a reload.
type Result struct {
	Outcome Outcome  `json:"outcome"`
	State   State    `json:"state"`
	Serving *Worker  `json:"serving,omitempty"`
	Failure *Failure `json:"failure,omitempty"`
	Receipt *Receipt `json:"receipt,omitempty"` // of a reload that has been waited for
}

// Receipt is what a reload has cost.
type Receipt struct {
	Generation int     `json:"generation"` // of the new worker
	ReadyMS    float64 `json:"ready_ms"`   // from the request until the new worker was ready
	// DrainedMS is the time from then until every older worker had exited; nil: an older
	// one still runs.
	DrainedMS *float64 `json:"drained_ms,omitempty"`
	// Drops are the connections that the kernel has dropped from the full listen queues of
	// this hotstart since the request, see SocketDrops; nil: not known. No
	// other connection is refused: the sockets stay open.
	Drops *int64 `json:"listen_drops,omitempty"`
}

// An Event is an event of hotstart in the form of hotstart watch --log-format=json,
// one JSON object.
type Event = []byte

// Line is a line of the program's output.
type Line struct {
	Worker int       `json:"worker,omitempty"` // generation; 0: not known
	Time   time.Time `json:"time,omitzero"`    // zero: not known
	Text   string    `json:"text"`             // without the end of the line
	Missed int       `json:"missed,omitempty"` // instead of a line: how many lines a slow client has missed
}

// Reload says how to reload.
type Reload struct {
	Restart bool // start the same program again; build only if there is newer code
	Wait    bool // until the result is known
	Drained bool // with Wait: until every older worker has exited, too
}

// Controlled is the hotstart that a Server answers for. Its methods are called from
// many goroutines. Each returns when its context is done, with the cause.
type Controlled interface {
	Status(context.Context) (Status, error)
	// Wait returns when what is on disk at the call is served, or can't be.
	Wait(context.Context) (Result, error)
	Reload(context.Context, Reload) (Result, error)
	// Stop asks hotstart to end. It does not wait.
	Stop(context.Context) error
	// Events returns the events, each an Event.
	Events() Source
	// Lines returns the program's output, each a Line, or an error if it is not known.
	Lines() (Source, error)
}
