package starter

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
)

// A Worker identifies one start of a Command.
type Worker struct {
	Generation int // number of the start, from 1; SERVER_STARTER_GENERATION
	PID        int // 0 if the process could not be started
	Command    *Command
}

// String returns the worker as in log lines: "worker 3 (pid 4711)".
func (w Worker) String() string {
	if w.PID == 0 {
		return fmt.Sprintf("worker %d", w.Generation)
	}
	return fmt.Sprintf("worker %d (pid %d)", w.Generation, w.PID)
}

// Kind is the type of an Event.
type Kind int

// The comment of a kind names the fields of Event that are set.
const (
	Starting      = Kind(machine.Starting)      // Worker was spawned
	Serving       = Kind(machine.Serving)       // Worker became ready, Elapsed after its start, and is the current one now; Others get Signal after Delay
	Superseded    = Kind(machine.Superseded)    // Worker was still starting, and another command replaces its own
	Failed        = Kind(machine.Failed)        // Worker exited, Elapsed after its start, before it was ready: Status or Err
	TimedOut      = Kind(machine.TimedOut)      // Worker was not ready within Options.ReadyTimeout; Elapsed is the time since its start
	GaveUp        = Kind(machine.GaveUp)        // Failures starts in a row have failed, or that many workers crashed early, Worker the last; no more are started
	Crashed       = Kind(machine.Crashed)       // Worker served and exited by itself: Status
	RolledBack    = Kind(machine.RolledBack)    // Worker exited so soon, Elapsed, after it took over that Others serve again, or an older command is started: Status
	Settled       = Kind(machine.Settled)       // Worker has served for longer than Options.Rollback; later reloads fall back to its command
	Completed     = Kind(machine.Completed)     // Worker exited by itself with status 0 and, by Options.AllowExit, is not restarted; Holder is a process that it left running
	Exited        = Kind(machine.Exited)        // Worker exited after its stop signal: Status
	Killing       = Kind(machine.Killing)       // Worker did not exit in time and gets SIGKILL
	Stopping      = Kind(machine.Stopping)      // the Starter stops: Others get Signal
	DrainTimedOut = Kind(machine.DrainTimedOut) // Worker did not drain in time and gets Signal
	Retiring      = Kind(machine.Retiring)      // Worker, an old one, gets Signal, after Options.KillOldDelay or because of Options.MaxOld
	AutoRestart   = Kind(machine.AutoRestart)   // Worker has served for Elapsed and is replaced; Forced: although an older one still runs
	AssumedReady  = Kind(machine.AssumedReady)  // nothing shows whether Worker serves, for the reason Err; it counts as ready because it is running
	Contended     = Kind(machine.Contended)     // Worker needs Resource, which an older worker holds; from now on one worker runs at a time, see Options.Overlap
)

// Kinds of events about sockets, processes and signals.
const (
	SocketKept       = Kind(machine.LastKind) + 1 + iota // Worker bound Address by itself and passed the socket to the broker, which keeps it for later workers
	PortUnused                                           // Worker is ready and does not listen on the socket of Address, which is one of the options
	ListenerShutDown                                     // the socket of Address was shut down for all processes, probably by Worker; it listens again, unless Err is set
	PathLost                                             // the path of the unix socket of Address was removed or replaced, probably by Worker; it is restored, unless Err is set
	BrokerError                                          // Worker asked the broker for something that is not allowed, or broke its protocol: Err
	Signaled                                             // Starter.Signal was called with Signal
	LeftoverProcess                                      // Worker has exited, and a process that it started, Holder, still holds the socket of Address
	SocketReleased                                       // the socket of Address is closed: an older worker served it, and Worker has not for Options.ServeTimeout
	SocketClosed                                         // Worker has closed the socket of Address that it had opened, and keeps running; the socket is no longer kept
	Holding                                              // Worker lets its clients wait, as Starter.Hold asks
	Warning                                              // an error that is not about a worker, and that stops none: Err
)

var kinds = [...]string{
	"SocketKept", "PortUnused", "ListenerShutDown", "PathLost", "BrokerError", "Signaled", "LeftoverProcess", "SocketReleased", "SocketClosed", "Holding", "Warning",
}

// String returns the name of the constant.
func (k Kind) String() string {
	if last := Kind(machine.LastKind); k > last {
		return kinds[k-last-1]
	}
	return machine.Kind(k).String()
}

// An Event is a change in the state of the workers or sockets. Kind says which
// of the other fields are set.
type Event struct {
	Kind       Kind
	Worker     Worker
	Others     []Worker
	Signal     syscall.Signal
	Status     syscall.WaitStatus
	Err        error
	Elapsed    time.Duration
	Failures   int
	Restarting bool // of Crashed: the command of Worker is started again
	Address    Address
	Addresses  []Address     // of Serving and RolledBack: where the current worker is known to listen
	Delay      time.Duration // of Serving: until Others get Signal
	Forced     bool
	Rollback   *Command // of Failed, TimedOut and RolledBack: the command that is started instead; nil: none
	Resource   string   // "the lock on data/ergo.lock"
	Holder     string   // "pid 4711 (./api)", or several processes
}

// String returns the event as one log line, without prefix.
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
		return fmt.Sprintf("%v was not ready after %v; told to exit", e.Worker, e.Elapsed.Round(time.Millisecond))
	case GaveUp:
		if e.Failures == 1 {
			return "gave up after 1 failed start"
		}
		return fmt.Sprintf("gave up after %d failed starts", e.Failures)
	case Crashed:
		return fmt.Sprintf("%v died: %s", e.Worker, e.Reason())
	case RolledBack:
		line := fmt.Sprintf("%v died %v after it took over: %s; the reload has failed", e.Worker, e.Elapsed.Round(time.Millisecond), e.Reason())
		if len(e.Others) > 0 {
			line += fmt.Sprintf("; %s serves again", names(e.Others))
		}
		return line
	case Settled:
		return fmt.Sprintf("%v has kept running", e.Worker)
	case Completed:
		line := fmt.Sprintf("%v has ended", e.Worker)
		if e.Holder != "" {
			line += ", but it left " + e.Holder
		}
		return line
	case Exited:
		return fmt.Sprintf("%v exited: %s", e.Worker, e.Reason())
	case Killing:
		return fmt.Sprintf("%v did not exit in time; killing it", e.Worker)
	case Stopping:
		return fmt.Sprintf("stopping; %s told to exit", names(e.Others))
	case SocketKept:
		return fmt.Sprintf("%v listens on %v; that socket is kept", e.Worker, e.Address)
	case PortUnused:
		return fmt.Sprintf("%v does not use the socket of %v", e.Worker, e.Address)
	case DrainTimedOut:
		return fmt.Sprintf("%v still has connections; told to exit", e.Worker)
	case ListenerShutDown:
		line := fmt.Sprintf("the socket of %v was shut down%s", e.Address, e.culprit())
		if e.Err != nil {
			return fmt.Sprintf("%s: %v", line, e.Err)
		}
		return line + "; it listens again"
	case PathLost:
		if e.Err != nil {
			return fmt.Sprintf("clients can't get to the socket of %v by its path: %v", e.Address, e.Err)
		}
		return fmt.Sprintf("the path %v was removed%s; it has been restored", e.Address, e.culprit())
	case BrokerError:
		return fmt.Sprintf("%v: %v", e.Worker, e.Err)
	case Retiring:
		return fmt.Sprintf("%v told to exit", e.Worker)
	case AutoRestart:
		return fmt.Sprintf("%v has served for %v; replacing it", e.Worker, e.Elapsed)
	case Signaled:
		return "received " + SignalName(e.Signal)
	case LeftoverProcess:
		return fmt.Sprintf("%v has ended, but it left %s, which still holds the socket of %v and may answer there", e.Worker, e.Holder, e.Address)
	case AssumedReady:
		return fmt.Sprintf("%v is alive, and nothing shows whether it accepts connections: %v", e.Worker, e.Err)
	case Contended:
		return fmt.Sprintf("%v needs %s, which the worker before it holds; from now on one worker runs at a time", e.Worker, e.Resource)
	case SocketReleased:
		return fmt.Sprintf("%v does not listen on %v, as the worker before it did; that socket is closed", e.Worker, e.Address)
	case SocketClosed:
		return fmt.Sprintf("%v has closed its socket of %v", e.Worker, e.Address)
	case Holding:
		return fmt.Sprintf("%v lets its clients wait for newer code", e.Worker)
	case Warning:
		return e.Err.Error()
	}
	panic(fmt.Sprintf("unknown kind %d", e.Kind))
}

// Reason describes the exit of the worker of a Failed, Crashed, RolledBack or Exited event.
func (e Event) Reason() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Status.Signaled():
		return "killed by signal " + SignalName(e.Status.Signal())
	}
	return fmt.Sprintf("exit status %d", e.Status.ExitStatus())
}

// culprit names the worker that has probably damaged a socket, if there is one.
func (e Event) culprit() string {
	if e.Worker.Generation == 0 {
		return ""
	}
	return fmt.Sprintf(", probably by %v", e.Worker)
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
