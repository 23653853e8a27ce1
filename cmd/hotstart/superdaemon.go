package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control/supervisor"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/metrics"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/daemon"
)

// runSuperdaemon runs the superdaemon in the foreground or in the background, or
// controls an instance that is running.
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
		signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT,
			syscall.SIGWINCH, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE)
		return daemon.Detach(so.Inherited, signals)
	}
	if cmd.Name() == startServer && o.controlPath == "" && o.name == "" {
		o.controlPath = control.Off
	}
	d := &superdaemon{parent: parent, metrics: metrics.New(version(), time.Now())}
	d.screen, d.errors = newLog(cmd.ErrOrStderr(), cmd)
	d.writeTo(cmd.ErrOrStderr())
	return d.run(so, command, o)
}

// superdaemon is hotstart run in the foreground. Its fields belong to the
// goroutine that calls run, which is also the one of starter.Run and report.
type superdaemon struct {
	log        report.StartServer
	queue      *term.OrderedQueue // log and screen write to it
	screen     *term.Screen
	errors     *report.Log        // on screen
	logFile    *daemon.Log        // nil: no log file
	status     *daemon.StatusFile // nil: none
	metrics    *metrics.Metrics
	starter    *starter.Starter
	supervisor *supervisor.Supervisor // nil: there is no control socket
	parent     *daemon.Parent         // nil: not started by --daemonize
	redirected bool                   // stderr is the log file
	failure    error                  // of the last failed start; nil after a successful one
	killed     starter.Worker         // worker that had to be killed during the shutdown
	stopping   bool                   // a signal has started the shutdown
	forcedBy   syscall.Signal         // second signal, which cuts the shutdown short; 0: none
}

// writeTo makes log and screen write to w through a new queue, after the previous
// queue is written.
func (d *superdaemon) writeTo(w io.Writer) {
	if d.queue != nil {
		d.queue.Close()
	}
	d.queue = term.NewOrderedQueue(w)
	d.log.Redirect(d.queue)
	d.screen.Redirect(d.queue)
}

// run returns when the shutdown is complete. It reports an error in the log file,
// if there is one.
func (d *superdaemon) run(so starter.Options, c *starter.Command, o *runOptions) (err error) {
	defer func() {
		err = d.reportOnce(err)
		d.queue.Close()
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
	// Not earlier: a signal must be able to end hotstart while it opens the log file,
	// which can block.
	signals := notifySignals()
	d.log.Sockets = len(so.Ports)+len(so.Paths) > 0
	d.log.Handle(report.Notef("start_server (pid:%d) starting now...", os.Getpid()))
	return d.result(d.serve(so, c, o, signals))
}

// serve holds the pid file, the status file and the sockets while workers run.
func (d *superdaemon) serve(so starter.Options, c *starter.Command, o *runOptions, signals runSignals) error {
	pidFile, err := daemon.LockPIDFile(o.pidFile)
	if err != nil {
		return err
	}
	defer pidFile.Close()
	d.status, err = daemon.NewStatusFile(o.statusFile, func(err error) { d.log.Handle(report.Notef("%v", err)) })
	if err != nil {
		return err
	}
	defer d.status.Close()
	if o.metrics != "" {
		l, err := net.Listen("tcp", o.metrics)
		if err != nil {
			return fmt.Errorf("--metrics: %w", err)
		}
		defer l.Close()
		d.log.Handle(report.Notef("metrics on http://%v/metrics", l.Addr()))
		go d.metrics.Serve(l) // ends when the listener is closed
	}
	so.Report, so.ReportWorkers = d.report, d.status.Update
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
		d.writeTo(os.Stderr) // first write the queue to the stderr that is replaced
		if err := d.logFile.Redirect(); err != nil {
			d.starter.Close()
			return err
		}
		d.redirected = true
	}
	closeControl, err := d.openControl(o, so.KillOldDelay > 0)
	if err != nil {
		d.starter.Close()
		return err
	}
	defer closeControl()
	done := make(chan struct{})
	defer close(done)
	go d.listen(signals, done)
	go d.reopen(signals.reopen, done)
	d.starter.Reload(c)
	return d.starter.Run(context.Background())
}

// program finds the program to run in the same way as start_server's exec: a name
// with a slash is relative to --dir, a name without is searched for in PATH.
func (o *runOptions) program() (*starter.Command, error) {
	name := o.command[0]
	c := &starter.Command{Path: name, Args: o.command, Dir: o.dir}
	if !strings.Contains(name, "/") {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, cli.WithHint(fmt.Errorf("starting %s: it is not found in PATH", name), "for a file of this folder: ./"+name)
		}
		c.Path, err = filepath.Abs(path)
		return c, err
	}
	file := name
	if !filepath.IsAbs(name) {
		file = filepath.Join(o.dir, name)
	}
	info, err := os.Stat(file)
	if _, missing := os.Stat(o.dir); o.dir != "" && missing != nil {
		return c, nil // both can appear later: each start checks them
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("starting %s: it does not exist", name)
	case err != nil:
		return nil, fmt.Errorf("starting %s: %w", file, err)
	case info.IsDir():
		return nil, fmt.Errorf("starting %s: it is a folder", file)
	case info.Mode()&0o111 == 0:
		return nil, cli.WithHint(fmt.Errorf("starting %s: it is not executable", file), "chmod +x "+file)
	}
	return c, nil
}

// runSignals are the channels of hotstart run's signals. Each has room for every
// signal that matters, so that a burst of other signals can't displace one.
type runSignals struct {
	stops  chan os.Signal // TERM and INT: the second kills immediately
	hangup chan os.Signal // HUP
	reopen chan os.Signal // USR1
	others chan os.Signal // also PIPE, so that a broken log pipe does not end hotstart; workers have its default
}

func notifySignals() runSignals {
	s := runSignals{make(chan os.Signal, 2), make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 16)}
	signal.Notify(s.stops, syscall.SIGTERM, syscall.SIGINT)
	signal.Notify(s.hangup, syscall.SIGHUP)
	signal.Notify(s.reopen, syscall.SIGUSR1)
	signal.Notify(s.others, syscall.SIGQUIT, syscall.SIGWINCH, syscall.SIGUSR2, syscall.SIGPIPE)
	return s
}

// listen forwards signals to the starter until done is closed.
func (d *superdaemon) listen(signals runSignals, done <-chan struct{}) {
	var filter cli.SignalFilter
	for {
		var sig os.Signal
		select {
		case sig = <-signals.stops:
		case sig = <-signals.hangup:
		case sig = <-signals.others:
		case <-done:
			return
		}
		if sig != syscall.SIGPIPE && !filter.Duplicate(sig, time.Now()) {
			d.starter.Signal(sig.(syscall.Signal))
		}
	}
}

// reopen reopens the log file at each signal and then forwards the signal, until
// done is closed. It has a goroutine of its own because opening a file can block.
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
	if d.supervisor != nil {
		d.supervisor.Handle(e)
	}
	d.metrics.Handle(time.Now(), e)
	d.noteStart(e)
	if e.Kind == starter.GaveUp || e.Kind == starter.RolledBack {
		d.status.ReloadFailed()
	}
	if e.Kind == starter.Exited {
		debug.FreeOSMemory() // hotstart is idle now; this saves 1 of 15 MB
	}
}

// noteStart keeps the result of a start, and passes it to the parent of a daemon.
func (d *superdaemon) noteStart(e starter.Event) {
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

// result returns the error of run for the error of starter.Run.
func (d *superdaemon) result(err error) error {
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

// reportOnce reports err where a user reads it: to the parent of a daemon, or in
// the log.
func (d *superdaemon) reportOnce(err error) error {
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
