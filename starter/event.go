package starter

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// A Worker names one started program.
type Worker struct {
	Generation int      // counts every attempt, from 1, as SERVER_STARTER_GENERATION does
	PID        int      // 0 if it could not even be started
	Command    *Command // what it runs
}

// String names the worker as log lines do: "worker 3 (pid 4711)".
func (w Worker) String() string {
	if w.PID == 0 {
		return fmt.Sprintf("worker %d", w.Generation)
	}
	return fmt.Sprintf("worker %d (pid %d)", w.Generation, w.PID)
}

// Kind says what an Event is about.
type Kind int

const (
	Starting   Kind = iota + 1 // Worker was spawned
	Serving                    // Worker is proven, After its start, and current; Others get Signal in due time
	Superseded                 // Worker was still starting, and what it runs is out of date
	Failed                     // Worker ended, After its start, before it was proven: Status or Err
	TimedOut                   // Worker was not proven by Options.ReadyTimeout, After its start
	GaveUp                     // Failures starts in a row failed, or workers died too early, Worker the last: no more are tried
	Died                       // Worker served and ended by itself: Status
	RolledBack                 // Worker died so soon After it took over that Others serve again, or what is known to be good is started: Status
	Settled                    // Worker has served for longer than Options.Rollback: it is what later reloads fall back to
	Done                       // Worker ended by itself with status 0, and Options.LetEnd leaves it at that; Holder is what it left running
	Left                       // Worker exited after its stop signal: Status
	Killing                    // Worker did not exit in time and gets SIGKILL
	Stopping                   // everything ends: Others get Signal
	Kept                       // Worker bound Address by itself and gave the socket to the broker, for the workers to come
	Unused                     // Worker says that it serves, and does not wait on the socket of Address, one of the options
	Overdue                    // Worker did not drain in time and gets Signal
	Deafened                   // Worker, it seems, has shut down the socket of Address for all; it listens again, unless Err
	Displaced                  // the path of the unix socket of Address was removed or replaced, it seems by Worker; it is back, unless Err
	Refused                    // Worker asked the broker for something it may not have: Err
	Retiring                   // Worker, an old one, gets Signal, after Options.KillOldDelay or for being one too many
	Aged                       // Worker has served for After and is replaced; Forced: though an older one still lives
	Signaled                   // Starter.Signal was told Signal
	LeftBehind                 // Worker has ended, and a process that it started, Holder, still holds the socket of Address
	Unseen                     // Worker serves as far as can be told by its living: Err is why nothing can be seen of it
	Contended                  // Worker needs What, which an older worker holds; from now on one runs at a time, see Options.Overlap
	LetGo                      // the socket of Address is closed: an older worker served it, and Worker has not for long enough
	Closed                     // Worker has closed the socket of Address that it had opened, and keeps running; the socket is no longer kept
	Trouble                    // an error that is not about a worker, and that stops none: Err
)

var kinds = [...]string{
	"Kind(0)", "Starting", "Serving", "Superseded", "Failed", "TimedOut", "GaveUp", "Died", "RolledBack", "Settled", "Done", "Left", "Killing", "Stopping", "Kept", "Unused", "Overdue", "Deafened", "Displaced", "Refused", "Retiring", "Aged", "Signaled", "LeftBehind", "Unseen", "Contended", "LetGo", "Closed", "Trouble",
}

// String is the kind's name.
func (k Kind) String() string { return kinds[k] }

// An Event is something that happened to the workers.
type Event struct {
	Kind     Kind
	Worker   Worker
	Others   []Worker
	Signal   syscall.Signal
	Status   syscall.WaitStatus
	Err      error
	After    time.Duration
	Failures int
	Again    bool // Worker has died, and what it ran is started again
	Address  Address
	Serves   []Address     // of Serving and RolledBack: what the worker that serves now is known to listen on
	Delay    time.Duration // of Serving: until Others get Signal
	Forced   bool
	Back     *Command // of Failed, TimedOut and RolledBack: what is started instead; nil: nothing else
	What     string   // "the lock on data/ergo.lock"
	Holder   string   // "pid 4711 (./api)", or several of them
}

// String tells the event as one line of a log, without prefix.
func (e Event) String() string {
	switch e.Kind {
	case Starting:
		return fmt.Sprintf("%v is starting", e.Worker)
	case Serving:
		line := fmt.Sprintf("%v is serving", e.Worker)
		if len(e.Others) > 0 {
			line += fmt.Sprintf("; %s told to exit", names(e.Others))
		}
		return line
	case Superseded:
		return fmt.Sprintf("%v became outdated before it was ready; told to exit", e.Worker)
	case Failed:
		return fmt.Sprintf("%v failed to start: %s", e.Worker, e.Reason())
	case TimedOut:
		return fmt.Sprintf("%v was not ready after %v; told to exit", e.Worker, e.After.Round(time.Millisecond))
	case GaveUp:
		return fmt.Sprintf("gave up after %s", plural(e.Failures, "failed start"))
	case Died:
		return fmt.Sprintf("%v died: %s", e.Worker, e.Reason())
	case RolledBack:
		line := fmt.Sprintf("%v died %v after it took over: %s; the reload has failed", e.Worker, e.After.Round(time.Millisecond), e.Reason())
		if len(e.Others) > 0 {
			line += fmt.Sprintf("; %s serves again", names(e.Others))
		}
		return line
	case Settled:
		return fmt.Sprintf("%v has kept running", e.Worker)
	case Done:
		line := fmt.Sprintf("%v has ended", e.Worker)
		if e.Holder != "" {
			line += ", but it left " + e.Holder
		}
		return line
	case Left:
		return fmt.Sprintf("%v exited: %s", e.Worker, e.Reason())
	case Killing:
		return fmt.Sprintf("%v did not exit in time; killing it", e.Worker)
	case Stopping:
		return fmt.Sprintf("stopping; %s told to exit", names(e.Others))
	case Kept:
		return fmt.Sprintf("%v opened %v; the socket is kept for the next worker", e.Worker, e.Address)
	case Unused:
		return fmt.Sprintf("%v does not use the socket of %v", e.Worker, e.Address)
	case Overdue:
		return fmt.Sprintf("%v still has connections; told to exit", e.Worker)
	case Deafened:
		line := fmt.Sprintf("the socket of %v was shut down", e.Address)
		if e.Worker.Generation > 0 {
			line += fmt.Sprintf(", probably by %v", e.Worker)
		}
		if e.Err != nil {
			return fmt.Sprintf("%s: %v", line, e.Err)
		}
		return line + "; it listens again"
	case Displaced:
		if e.Err != nil {
			return fmt.Sprintf("clients can't get to the socket of %v by its path: %v", e.Address, e.Err)
		}
		line := fmt.Sprintf("the path %v was removed", e.Address)
		if e.Worker.Generation > 0 {
			line += fmt.Sprintf(", probably by %v", e.Worker)
		}
		return line + "; it has been restored"
	case Refused:
		return fmt.Sprintf("%v: %v", e.Worker, e.Err)
	case Retiring:
		return fmt.Sprintf("%v told to exit", e.Worker)
	case Aged:
		return fmt.Sprintf("%v has served for %v; replacing it", e.Worker, e.After)
	case Signaled:
		return "received " + SignalName(e.Signal)
	case LeftBehind:
		return fmt.Sprintf("%v has ended, but it left %s, which still holds the socket of %v and may answer there", e.Worker, e.Holder, e.Address)
	case Unseen:
		return fmt.Sprintf("%v is alive, and nothing shows whether it accepts connections: %v", e.Worker, e.Err)
	case Contended:
		return fmt.Sprintf("%v needs %s, which the worker before it holds; from now on one worker runs at a time", e.Worker, e.What)
	case LetGo:
		return fmt.Sprintf("%v does not listen on %v, as the worker before it did; its socket is closed", e.Worker, e.Address)
	case Closed:
		return fmt.Sprintf("%v has closed its socket of %v", e.Worker, e.Address)
	case Trouble:
		return e.Err.Error()
	}
	panic(fmt.Sprintf("unknown kind %d", e.Kind))
}

// Reason says how the worker of a Failed, Died, RolledBack or Left event ended.
func (e Event) Reason() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return outcome(e.Status)
}

// outcome says how a process ended.
func outcome(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "killed by signal " + SignalName(status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}

func names(workers []Worker) string {
	if len(workers) == 0 {
		return "no worker"
	}
	var list []string
	for _, w := range workers {
		list = append(list, fmt.Sprint(w.Generation))
	}
	noun := "worker "
	if len(list) > 1 {
		noun = "workers "
	}
	return noun + strings.Join(list, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
