package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// StartServer writes the events of hotstart run with the words of Perl's start_server,
// which scripts read.
type StartServer struct {
	w         io.Writer
	Sockets   bool           // hotstart holds sockets, and has not yet explained how workers get them
	started   time.Time      // the newest worker
	up        bool           // a worker serves
	early     int            // workers in a row that exited early
	requested bool           // a reload was requested, and its worker has not been started yet
	reloading bool           // the worker that serves next does so because of a reload
	stopping  syscall.Signal // requested the end; 0 before that
}

// Redirect makes the sink write to w from now on.
func (s *StartServer) Redirect(w io.Writer) { s.w = w }

// Handle implements Sink. Notes may come from any goroutine.
func (s *StartServer) Handle(e Event) {
	switch e := e.(type) {
	case WorkerEvent:
		s.worker(e.Event)
		s.hint(e.Event)
	case Note:
		s.say("%s", e.Text)
	}
}

func (s *StartServer) say(format string, args ...any) {
	fmt.Fprintln(s.w, term.Clean(fmt.Sprintf(format, args...)))
}

func (s *StartServer) worker(e starter.Event) {
	switch e.Kind {
	case starter.Signaled:
		s.signaled(e.Signal)
	case starter.Starting:
		s.say("starting new worker %d", e.Worker.PID)
		s.reloading, s.requested = s.reloading || s.requested, false
	case starter.Serving:
		s.serving(e)
	case starter.Retiring:
		s.say("killing old workers")
	case starter.Failed:
		s.failed(e)
	case starter.Crashed:
		s.say("worker %d died unexpectedly with status:%d, restarting", e.Worker.PID, e.Status)
	case starter.Exited:
		old := "old "
		if s.stopping != 0 {
			old = ""
		}
		s.say("%sworker %d died, status:%d", old, e.Worker.PID, e.Status)
	case starter.Stopping:
		s.say("received %s, sending %s to all workers:%s", starter.SignalName(s.stopping), starter.SignalName(e.Signal), pids(e.Others))
	case starter.AutoRestart:
		forced := ""
		if e.Forced {
			forced = "forced, "
		}
		s.say("autorestart triggered (%sinterval=%s)", forced, Seconds(e.Elapsed))
		s.requested = true
	case starter.LeftoverProcess:
		s.say("%v; start the program by exec in the wrapper, or use --kill-group", e)
	case starter.TimedOut, starter.GaveUp, starter.Killing, starter.BrokerError, starter.Warning, starter.PortUnused, starter.SocketKept, starter.PathLost,
		starter.RolledBack, starter.AssumedReady, starter.SocketReleased, starter.SocketClosed, starter.Holding, starter.Contended:
		s.say("%v", e)
	}
}

// hint explains once, after several workers that exited early, how a program gets its
// sockets. The output of workers does not pass through hotstart run, so that the reason
// is not known. The line follows that of the next start: scripts read the two lines
// before it as one.
func (s *StartServer) hint(e starter.Event) {
	const early = 10 * time.Second // after the start: a program may bind late
	switch {
	case !s.Sockets:
	case e.Kind == starter.Starting:
		if s.started = time.Now(); s.early == 2 {
			s.Sockets = false
			s.say("worker %d is started, but those before exited soon: a program that says \"address already in use\" must not bind its port "+
				"itself; hotstart holds the socket and passes it on: its descriptor is in SERVER_STARTER_PORT and LISTEN_FDS, and a Go "+
				"program gets a listener by worker.Listen of github.com/hotstart/hotstart/starter/worker", e.Worker.PID)
		}
	case e.Kind == starter.Serving:
		s.up = true
	case e.Kind == starter.Failed && !s.up && e.Err == nil && e.Status.Exited():
		s.early++
	case e.Kind == starter.Crashed && time.Since(s.started) < early && e.Status.Exited() && e.Status != 0:
		s.early++
		s.up = false
	case e.Kind == starter.Crashed:
		s.early, s.up = 0, false
	}
}

func (s *StartServer) signaled(sig syscall.Signal) {
	switch {
	case sig == syscall.SIGHUP:
		s.requested = true
		s.say("received HUP, spawning a new worker")
	case sig != syscall.SIGTERM && sig != syscall.SIGINT:
	case s.stopping != 0:
		s.say("received %s again, killing all workers", starter.SignalName(sig))
	default:
		s.stopping = sig // the line comes with the event Stopping
	}
}

func (s *StartServer) serving(e starter.Event) {
	if !s.reloading && len(e.Others) == 0 {
		return
	}
	s.reloading = false
	s.say("new worker is now running, sending %s to old workers:%s", starter.SignalName(e.Signal), pids(e.Others))
	if e.Delay > 0 {
		s.say("sleeping %s secs before killing old workers", Seconds(e.Delay))
		return
	}
	s.say("killing old workers")
}

func (s *StartServer) failed(e starter.Event) {
	if e.Worker.PID == 0 { // no process was started
		s.say("new worker seems to have failed to start: %s", e.Reason())
		return
	}
	reason := ""
	if e.Err != nil {
		reason = fmt.Sprintf(" (%v)", e.Err)
	}
	s.say("new worker %d seems to have failed to start, exit status:%d%s", e.Worker.PID, e.Status, reason)
}

func pids(workers []starter.Worker) string {
	if len(workers) == 0 {
		return "none"
	}
	var list []string
	for _, w := range workers {
		list = append(list, strconv.Itoa(w.PID))
	}
	return strings.Join(list, ",")
}

// Seconds is a duration as start_server writes it: seconds without a unit.
func Seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
