package main

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

// runLines tells what happens in the words of start_server, which scripts
// read. It belongs to the goroutine that runs the starter.
type runLines struct {
	w        io.Writer
	sockets  bool           // hotstart holds sockets for the workers, and has not said how they get them
	began    time.Time      // the latest start
	up       bool           // a worker serves
	early    int            // workers in a row that exited early
	asked    bool           // for a reload whose worker has not been started yet
	reloaded bool           // the worker that serves next does so because of a reload
	stopping syscall.Signal // that asked for it, or 0
	cut      syscall.Signal // that did so again
}

func (l *runLines) say(format string, args ...any) {
	fmt.Fprintln(l.w, term.Clean(fmt.Sprintf(format, args...)))
}

// event tells one event.
func (l *runLines) event(e starter.Event) {
	defer l.advise(e)
	switch e.Kind {
	case starter.Signaled:
		l.signaled(e.Signal)
	case starter.Starting:
		l.say("starting new worker %d", e.Worker.PID)
		l.reloaded, l.asked = l.reloaded || l.asked, false
	case starter.Serving:
		l.serving(e)
	case starter.Retiring:
		l.say("killing old workers")
	case starter.Failed:
		l.failed(e)
	case starter.Died:
		l.say("worker %d died unexpectedly with status:%d, restarting", e.Worker.PID, e.Status)
	case starter.Left:
		l.left(e)
	case starter.Stopping:
		l.say("received %s, sending %s to all workers:%s", starter.SignalName(l.stopping), starter.SignalName(e.Signal), pids(e.Others))
	case starter.Aged:
		forced := ""
		if e.Forced {
			forced = "forced, "
		}
		l.say("autorestart triggered (%sinterval=%s)", forced, plainSeconds(e.After))
		l.asked = true
	case starter.LeftBehind:
		l.say("%v; start the program by exec in the wrapper, or use --kill-group", e)
	case starter.TimedOut, starter.GaveUp, starter.Killing, starter.Refused, starter.Trouble, starter.Unused, starter.Kept, starter.Displaced,
		starter.RolledBack, starter.Unseen, starter.LetGo, starter.Closed, starter.Contended:
		l.say("%v", e)
	}
}

// advise says once what a program may do wrong of which no worker has lived
// long. What workers print goes past hotstart, so the reason is not known. The
// line comes after that of the next start, since scripts read the two before
// it as one.
func (l *runLines) advise(e starter.Event) {
	const early = 10 * time.Second // from the start: a program may bind late
	switch {
	case !l.sockets:
	case e.Kind == starter.Starting:
		if l.began = time.Now(); l.early == 2 {
			l.sockets = false // once
			l.say("worker %d is started, but those before exited soon: a program that says \"address already in use\" must not bind its port "+
				"itself; hotstart holds the socket and passes it on: its descriptor is in SERVER_STARTER_PORT and LISTEN_FDS, and a Go "+
				"program gets a listener by worker.Listen of github.com/hotstart/hotstart/starter/worker", e.Worker.PID)
		}
	case e.Kind == starter.Serving:
		l.up = true
	case e.Kind == starter.Failed && !l.up && e.Err == nil && e.Status.Exited():
		l.early++
	case e.Kind == starter.Died && time.Since(l.began) < early && e.Status.Exited() && e.Status != 0:
		l.early++
		l.up = false
	case e.Kind == starter.Died:
		l.early, l.up = 0, false
	}
}

func (l *runLines) signaled(sig syscall.Signal) {
	switch sig {
	case syscall.SIGHUP:
		l.asked = true
		l.say("received HUP, spawning a new worker")
	case syscall.SIGTERM, syscall.SIGINT:
		if l.stopping != 0 {
			l.cut = sig
			l.say("received %s again, killing all workers", starter.SignalName(sig))
			return
		}
		l.stopping = sig
	}
}

func (l *runLines) serving(e starter.Event) {
	if !l.reloaded && len(e.Others) == 0 {
		return
	}
	l.reloaded = false
	l.say("new worker is now running, sending %s to old workers:%s", starter.SignalName(e.Signal), pids(e.Others))
	if e.Delay > 0 {
		l.say("sleeping %s secs before killing old workers", plainSeconds(e.Delay))
		return
	}
	l.say("killing old workers")
}

func (l *runLines) failed(e starter.Event) {
	if e.Worker.PID == 0 { // there never was a process
		l.say("new worker seems to have failed to start: %s", e.Reason())
		return
	}
	reason := ""
	if e.Err != nil {
		reason = fmt.Sprintf(" (%v)", e.Err)
	}
	l.say("new worker %d seems to have failed to start, exit status:%d%s", e.Worker.PID, e.Status, reason)
}

func (l *runLines) left(e starter.Event) {
	if l.stopping != 0 {
		l.say("worker %d died, status:%d", e.Worker.PID, e.Status)
		return
	}
	l.say("old worker %d died, status:%d", e.Worker.PID, e.Status)
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

func plainSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}
