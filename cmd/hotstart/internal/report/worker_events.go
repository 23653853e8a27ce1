package report

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// Adopted reports that the program is instrumented, which its first kept socket shows.
type Adopted struct{ What string }

func (a Adopted) entry(View) entry {
	return entry{name: "adopted", text: "instrumented " + a.What +
		": listeners survive reloads and in-flight requests are drained (--adopt=off disables this)"}
}

// NotAdopted reports that the program can't be instrumented.
type NotAdopted struct{ Err error }

func (n NotAdopted) entry(View) entry {
	return entry{name: "not_adopted", text: fmt.Sprintf("not instrumented: %v; the program must take over its sockets itself", n.Err)}
}

// WorkerEvent is an event of the starter with the wording of the starter. All kinds are
// events of hotstart run; those of workerEvents are also written by hotstart watch.
type WorkerEvent struct{ starter.Event }

// workerEvents has the names in JSON.
var workerEvents = map[starter.Kind]struct {
	name    string
	isError bool
}{
	starter.SocketKept:       {name: "kept"},
	starter.SocketClosed:     {name: "closed"},
	starter.SocketReleased:   {name: "let_go"},
	starter.Holding:          {name: "holding"},
	starter.AssumedReady:     {name: "unseen"},
	starter.Exited:           {"left", true},
	starter.Killing:          {"killing", true},
	starter.DrainTimedOut:    {"overdue", true},
	starter.BrokerError:      {"refused", true},
	starter.ListenerShutDown: {"deafened", true},
	starter.PathLost:         {"displaced", true},
}

func (w WorkerEvent) entry(v View) entry {
	kind, ok := workerEvents[w.Kind]
	if !ok {
		return entry{}
	}
	e := entry{name: kind.name, isError: kind.isError, facts: workerFacts(w.Worker)}
	switch w.Kind {
	case starter.SocketKept, starter.SocketClosed, starter.SocketReleased:
		w.Worker.PID = 0 // the number is enough
		place := v.place(w.Address)
		e.Addresses = []string{place}
		e.text = strings.Replace(w.String(), w.Address.String(), place, 1)
		return e
	case starter.Holding:
		e.only = onlyJSON
	case starter.Exited:
		e.Reason = w.Reason()
	}
	e.text = w.String()
	return e
}

// PortUnused reports that the program does not listen on an address that hotstart has opened.
type PortUnused struct {
	Worker  starter.Worker
	Address starter.Address
}

func (u PortUnused) entry(v View) entry {
	flag := "port"
	if u.Address.Network == "unix" {
		flag = "path"
	}
	return entry{name: "unused", isError: true, facts: workerFacts(u.Worker), text: fmt.Sprintf(
		"the program does not listen on %s (--%s); connections to it will hang", v.place(u.Address), flag)}
}

// Serving reports that a worker has taken over.
type Serving struct {
	Worker    starter.Worker
	Built     time.Time // start of the build that Worker runs
	Addresses []starter.Address
	Cause     Cause
	Took      time.Duration  // of the build, if How is NewBuild
	How       How            // how the worker came to serve
	Finishing starter.Worker // older worker that finishes; zero if there is none
	Fixed     bool
	Stale     time.Time // pages that were loaded before are stale
	Styles    []string  // if only these style sheets differ from the last worker's code: pages load them again; else empty
}

// How is how a worker came to serve.
type How int

const (
	NewBuild  How = iota // its program has just been built
	Restarted            // its program had run before, and was started once more
	Again                // its program served before, and serves again after a crash or a failed reload
)

func (s Serving) entry(v View) entry {
	e := entry{name: "serving", fixed: s.Fixed, facts: Current{Worker: s.Worker, Built: s.Built}.facts(s.Cause.Changed)}
	e.Worker, e.PID, e.Addresses = s.Worker.Generation, s.Worker.PID, v.places(s.Addresses)
	e.text = fmt.Sprintf("%v is serving", s.Worker)
	if len(s.Addresses) == 0 { // it may not be a server
		e.text = fmt.Sprintf("%v is running", s.Worker)
	}
	switch s.How {
	case Again:
		e.text += fmt.Sprintf(" again (built %s)", clock(s.Built))
		e.Changed = nil
	case Restarted:
		e.text = s.Cause.then(v, "restarted; "+e.text)
	default:
		e.text = s.Cause.then(v, fmt.Sprintf("built in %s; %s", took(s.Took), e.text))
		e.BuildMS = milliseconds(s.Took)
	}
	if s.Finishing.Generation != 0 {
		e.text += fmt.Sprintf("; worker %d finishes", s.Finishing.Generation)
	} else if len(s.Addresses) > 0 {
		e.text += " " + v.list(s.Addresses) + v.onLAN(s.Addresses)
	}
	return e
}

// StartFailed reports that a worker ended, or took too long, before it was ready.
type StartFailed struct {
	Event     starter.Event // of kind Failed or TimedOut
	Cause     Cause
	Exit      Exit
	Current   Current
	Addresses []starter.Address // that hotstart has opened
	Overlap   bool              // --overlap=off may help
}

func (s StartFailed) entry(v View) entry {
	e := s.Current.failure("start_failed", fmt.Sprintf("worker %d failed to start", s.Event.Worker.Generation), s.Cause.Changed)
	e.text = s.Cause.then(v, s.Event.String()) + "; " + e.current
	s.Exit.show(&e, s.Event.Worker)
	if s.Overlap {
		e.notes = append(e.notes, "if it fails because the old worker still runs: --overlap=off stops the old worker first")
	}
	if s.Event.Kind == starter.Failed {
		e.Reason = s.Event.Reason()
		return e
	}
	e.Reason = "it was not ready in time"
	if len(s.Addresses) > 0 {
		e.notes = append(e.notes, fmt.Sprintf("the program never accepted connections on the socket of %s that hotstart opened for it;", s.Addresses[0]),
			"hotstart watch --help says how a program finds the socket, and --ready selects another check")
	}
	return e
}

// EnvFileFailed reports that the program is not started, because a file of environment
// variables can't be read.
type EnvFileFailed struct {
	Cause   Cause
	Err     error
	Current Current
}

func (f EnvFileFailed) entry(v View) entry {
	e := f.Current.failure("start_failed", "the environment file can't be read", f.Cause.Changed)
	e.text = f.Cause.then(v, f.Err.Error()) + "; " + e.current
	e.Reason = f.Err.Error()
	return e
}

// SlowStart reports that a start takes longer than usual.
type SlowStart struct {
	ReadyTimeout time.Duration // 0: unlimited
	ServeTimeout time.Duration // to serve every address of the old worker; 0: there is none
}

func (s SlowStart) entry(View) entry {
	text := "the new worker is not ready yet"
	if s.ReadyTimeout > 0 {
		text += fmt.Sprintf("; waiting up to %v until it serves (--ready-timeout)", s.ReadyTimeout)
	}
	if s.ServeTimeout > 0 {
		text += fmt.Sprintf("; then up to %v until it serves every address of the old worker (--serve-timeout)", s.ServeTimeout)
	}
	return entry{name: "slow", text: text}
}

// Crashed reports that a worker that served has ended by itself.
type Crashed struct {
	Event    starter.Event
	Exit     Exit
	Starting starter.Worker // serves next; zero if none is starting
	Stopping bool           // hotstart ends
}

func (c Crashed) entry(View) entry {
	e := entry{name: "died", isError: true, text: c.Event.String()}
	switch {
	case c.Stopping || !c.Event.Restarting:
	case c.Starting.PID != 0:
		e.text += fmt.Sprintf("; worker %d is starting already", c.Starting.Generation)
	default:
		e.text += "; starting it again"
	}
	c.Exit.show(&e, c.Event.Worker)
	e.Reason = c.Event.Reason()
	return e
}

// RolledBack reports that a worker died so soon after it took over that the last good program
// is started again.
type RolledBack struct {
	Event   starter.Event
	Cause   Cause
	Exit    Exit
	Current Current
}

func (r RolledBack) entry(v View) entry {
	e := r.Current.failure("rolled_back", fmt.Sprintf("worker %d died", r.Event.Worker.Generation), r.Cause.Changed)
	e.text = r.Cause.then(v, r.Event.String()) + "; " + e.current
	r.Exit.show(&e, r.Event.Worker)
	e.Reason = r.Event.Reason()
	return e
}

// GaveUp reports that a program that crashes repeatedly is not restarted.
type GaveUp struct {
	Worker   starter.Worker
	Failures int
}

func (g GaveUp) entry(View) entry {
	e := Current{}.failure("gave_up", "the program crashes repeatedly", nil)
	e.text = fmt.Sprintf("the program crashed %d times in a row soon after its start; waiting for a change", g.Failures)
	e.Worker, e.PID = g.Worker.Generation, g.Worker.PID
	return e
}

// Ended reports that a worker has exited by itself with status 0.
type Ended struct {
	Event  starter.Event
	Cause  Cause
	Fixed  bool
	Server bool // the program was expected to serve
}

func (d Ended) entry(v View) entry {
	e := entry{name: "ended", fixed: d.Fixed, facts: workerFacts(d.Event.Worker)}
	e.text = d.Cause.then(v, d.Event.String()+"; waiting for a change")
	e.Changed, e.Reason = d.Cause.Changed, d.Event.Reason()
	if d.Event.Holder != "" {
		e.isError = true
		e.notes = []string{"hotstart stops that process before it starts the program again; a program must stay in the",
			"foreground to be reloaded without a gap"}
	}
	if d.Server { // the end of another program is as it should be
		e.headline, e.current = "the program has ended", "waiting for a change"
	}
	return e
}

// Contended reports that a worker needs something that an older one holds, so that from now
// on one worker runs at a time.
type Contended struct {
	Worker starter.Worker
	What   string // "the lock on data.lock"
	Holder starter.Worker
}

func (c Contended) entry(View) entry {
	return entry{name: "contended", facts: workerFacts(c.Worker), text: fmt.Sprintf(
		"worker %d needs %s, which worker %d holds; from now on the old worker ends before a new one is started, and connections wait (--overlap=off)",
		c.Worker.Generation, c.What, c.Holder.Generation)}
}

// Halted reports that the kernel has suspended a worker.
type Halted struct{ Worker starter.Worker }

func (h Halted) entry(View) entry {
	e := entry{name: "halted", isError: true, facts: workerFacts(h.Worker), text: fmt.Sprintf("%v was stopped by a signal, as every program is that reads from "+
		"the terminal (/dev/tty) in the background; what you type is for hotstart", h.Worker)}
	e.notes = []string{"a passphrase can be given by a file or a variable, or with --stdin, if the program reads it from its standard input"}
	return e
}

// Stopping reports that hotstart was asked to end, and waits for a worker.
type Stopping struct {
	Signal syscall.Signal
	Key    bool           // the user has pressed q instead of sending a signal
	Worker starter.Worker // zero: none
	Client bool           // hotstart stop has asked for it
}

func (s Stopping) entry(View) entry {
	e := entry{name: "stopping", facts: workerFacts(s.Worker)}
	e.Signal = starter.SignalName(s.Signal)
	e.text = "received " + e.Signal
	if s.Key {
		e.text = "q pressed"
	}
	if s.Client {
		e.text = "hotstart stop received"
	}
	if s.Worker.PID != 0 {
		e.text += fmt.Sprintf("; waiting for worker %d to finish (signal again to kill it)", s.Worker.Generation)
	}
	return e
}
