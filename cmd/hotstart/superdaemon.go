package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/daemon"
)

// runSuperdaemon does what the flags of hotstart run say: it is the superdaemon, has
// one run in the background, or tells one that runs what to do.
func runSuperdaemon(cmd *cobra.Command, o *runOptions) error {
	usage := func(err error) error { return cli.Usage(err, cmd.CommandPath()+" --help") }
	if err := o.fromEnvironment(cmd.Flags()); err != nil {
		return usage(err)
	}
	if o.restart || o.stop {
		if err := o.checkControl(); err != nil {
			return usage(err)
		}
		return o.control(cmd)
	}
	so, err := o.starterOptions()
	switch {
	case err != nil:
		return usage(err)
	case len(o.command) == 0:
		return usage(errors.New("no program to run"))
	case o.daemonize && o.logFile == "":
		return usage(errors.New("--daemonize needs --log-file"))
	}
	command, err := o.program()
	if err != nil {
		return err
	}
	if so.Inherited, err = starter.ActivationSockets(); err != nil {
		return err
	}
	parent := daemon.Detached()
	if o.daemonize && parent == nil {
		signals := make(chan os.Signal, 16)
		signal.Notify(signals, signalsOfRun()...)
		return daemon.Detach(so.Inherited, signals)
	}
	d := &superdaemon{parent: parent}
	d.screen, d.errors = newLog(cmd.ErrOrStderr(), cmd)
	d.writeTo(cmd.ErrOrStderr())
	return d.run(so, command, o)
}

// superdaemon is hotstart run in the foreground.
type superdaemon struct {
	log        report.StartServer
	queue      *term.OrderedQueue // that log and screen write to
	screen     *term.Screen
	errors     *report.Log // on screen
	logFile    *daemon.Log // nil: none
	starter    *starter.Starter
	parent     *daemon.Parent // nil: not started by --daemonize
	redirected bool           // stderr is the log
	failure    error          // of the last start, while none has come up since
	killed     starter.Worker // a worker that did not leave when all were to
	stopping   bool           // a signal has asked for the end
	forcedBy   syscall.Signal // a second one; 0: none has come
}

// writeTo makes log and screen write to w by a queue, after what they have
// written already.
func (d *superdaemon) writeTo(w io.Writer) {
	if d.queue != nil {
		d.queue.Close(term.CloseTimeout)
	}
	d.queue = term.NewOrderedQueue(w)
	d.log.Redirect(d.queue)
	d.screen.Redirect(d.queue)
}

// run returns when it was stopped and the last worker has left. An error is
// told in the log, if there is one.
func (d *superdaemon) run(so starter.Options, c *starter.Command, o *runOptions) (err error) {
	defer func() {
		err = d.told(err)
		d.queue.Close(term.CloseTimeout)
		if d.logFile != nil {
			d.logFile.Close()
		}
	}()
	if o.logFile != "" {
		log, err := daemon.OpenLog(o.logFile)
		if err != nil {
			return err
		}
		d.logFile = log
	}
	// Not earlier: opening a log can take long, and is ended by any signal.
	signals := notifySignals()
	d.log.Sockets = len(so.Ports)+len(so.Paths) > 0
	d.log.Handle(report.Notef("start_server (pid:%d) starting now...", os.Getpid()))
	return d.ending(d.serve(so, c, o, signals))
}

// serve holds the pid file, the status file and the sockets while workers run.
func (d *superdaemon) serve(so starter.Options, c *starter.Command, o *runOptions, signals runSignals) error {
	pidFile, err := daemon.LockPIDFile(o.pidFile)
	if err != nil {
		return err
	}
	defer pidFile.Close()
	status, err := daemon.NewStatusFile(o.statusFile, func(err error) { d.log.Handle(report.Notef("%v", err)) })
	if err != nil {
		return err
	}
	defer status.Close()
	so.Report, so.ReportWorkers = d.report, status.Update
	if d.parent != nil && so.MaxStartFailures == 0 {
		so.MaxFirstFailures = 1 // the user of --daemonize waits for the result
	}
	if d.starter, err = starter.New(so); err != nil {
		return err
	}
	for _, a := range d.starter.Addresses() {
		if a.FD >= 0 {
			d.log.Handle(report.Notef("socket is duplicated to file descriptor %d", a.FD))
		}
	}
	if d.logFile != nil {
		d.writeTo(os.Stderr) // what was said so far is for the one that is replaced
		if err := d.logFile.Redirect(); err != nil {
			d.starter.Close()
			return err
		}
		d.redirected = true
	}
	done := make(chan struct{})
	defer close(done)
	go d.listen(signals, done)
	go d.reopen(signals.reopen, done)
	d.starter.Reload(c)
	return d.starter.Run(context.Background())
}

// runSignals are the signals of hotstart run. Each channel has room for all
// that counts, so that others can't crowd it out.
type runSignals struct {
	stops  chan os.Signal // TERM and INT: the second ends at once what the first ends
	hangup chan os.Signal // HUP
	reopen chan os.Signal // USR1
	others chan os.Signal
}

func notifySignals() runSignals {
	s := runSignals{make(chan os.Signal, 2), make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 16)}
	for _, sig := range signalsOfRun() {
		to := s.others
		switch sig {
		case syscall.SIGTERM, syscall.SIGINT:
			to = s.stops
		case syscall.SIGHUP:
			to = s.hangup
		case syscall.SIGUSR1:
			to = s.reopen
		}
		signal.Notify(to, sig)
	}
	return s
}

// listen passes signals on until done. The second of those that end is the
// last: what it finds is killed.
func (d *superdaemon) listen(signals runSignals, done <-chan struct{}) {
	var echoes echoes
	for {
		var sig os.Signal
		select {
		case sig = <-signals.stops:
		case sig = <-signals.hangup:
		case sig = <-signals.others:
		case <-done:
			return
		}
		if sig != syscall.SIGPIPE && !echoes.is(sig, time.Now()) {
			d.starter.Signal(sig.(syscall.Signal))
		}
	}
}

// reopen opens the log again at each signal, until done, and then passes the
// signal on. Opening a file can block.
func (d *superdaemon) reopen(signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case sig := <-signals:
			if d.logFile != nil {
				if err := d.logFile.Reopen(); err != nil {
					d.log.Handle(report.Notef("%v", err))
				}
			}
			d.starter.Signal(sig.(syscall.Signal))
		case <-done:
			return
		}
	}
}

// report follows what the starter does.
func (d *superdaemon) report(e starter.Event) {
	switch {
	case e.Kind == starter.Killing && d.stopping:
		d.killed = e.Worker
	case e.Kind == starter.Signaled && (e.Signal == syscall.SIGTERM || e.Signal == syscall.SIGINT):
		if d.stopping {
			d.forcedBy = e.Signal
		}
		d.stopping = true
	}
	d.log.Handle(report.WorkerEvent{Event: e})
	d.settle(e)
	if e.Kind == starter.Exited {
		debug.FreeOSMemory() // nothing will happen now for long: 1 of 15 MB
	}
}

// settle notes how a start came out, and tells who started the daemon.
func (d *superdaemon) settle(e starter.Event) {
	switch e.Kind {
	case starter.Serving:
		d.failure = nil
		if d.parent != nil {
			d.parent.Ready()
		}
	case starter.Failed, starter.TimedOut:
		d.failure = errors.New(e.String())
	}
}

// ending is what the end of the starter means.
func (d *superdaemon) ending(err error) error {
	switch {
	case d.forcedBy != 0:
		return cli.Signaled(d.forcedBy)
	case errors.Is(err, starter.ErrNoWorker) && d.failure != nil:
		return d.failure
	case err == nil && d.killed.PID != 0:
		return fmt.Errorf("%v had to be killed", d.killed)
	}
	if err == nil {
		d.log.Handle(report.Notef("exiting"))
	}
	return err
}

// told makes sure that err is told once, where somebody reads it.
func (d *superdaemon) told(err error) error {
	if err == nil || cli.IsReported(err) {
		return err
	}
	if d.parent != nil {
		d.parent.Fail(err)
	}
	if d.parent == nil || d.redirected {
		d.errors.Handle(report.Failed{Err: err})
	}
	return &cli.Error{Err: err, Code: cli.Failure, Reported: true}
}

// checkControl makes sure that what --restart and --stop need is there.
func (o *runOptions) checkControl() error {
	switch {
	case o.restart && o.stop:
		return errors.New("--restart and --stop can't be used together")
	case len(o.command) > 0:
		return fmt.Errorf("--restart and --stop take no program: %q", o.command[0])
	case o.stop && o.pidFile == "":
		return errors.New("--stop option requires --pid-file")
	case o.restart && (o.pidFile == "" || o.statusFile == ""):
		return errors.New("--restart option requires --pid-file and --status-file")
	}
	return nil
}

// control restarts or stops a hotstart run that another process is.
func (o *runOptions) control(cmd *cobra.Command) error {
	ctx := cmd.Context()
	if o.restartTimeout > 0 {
		wait := o.restartTimeout
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wait, fmt.Errorf("waited for %v (--restart-timeout)", wait))
		defer cancel()
	}
	server, err := daemon.Open(o.pidFile)
	if err != nil {
		return err
	}
	defer server.Close()
	if o.restart {
		return server.Restart(ctx, o.statusFile)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "stop_server (pid:%d) stopping now (pid:%d)...\n", os.Getpid(), server.PID)
	return server.Stop(ctx)
}
