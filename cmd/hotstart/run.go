package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/daemon"
)

// startServer is the name under which this program is Perl's start_server.
const startServer = "start_server"

// compatible is the version of start_server that hotstart behaves like.
const compatible = "0.35"

type runOptions struct {
	command []string // the program and its arguments
	starter starter.Options
	dir     string // working directory of the program

	autoRestart  bool
	autoInterval time.Duration

	envDir     string
	logFile    string
	pidFile    string
	statusFile string
	metrics    string // host:port; empty: no port
	daemonize  bool

	controlPath string // path of the control socket, or controlOff; "": in a folder of the user
	name        string // of the control socket; "": named after the folder

	restart        bool
	stop           bool
	restartTimeout time.Duration
}

func newRunCmd() *cobra.Command {
	o := newRunOptions()
	set := settings.NewSet(nil, o.table()...)
	cmd := &cobra.Command{
		Use:                   "run [options] [--] program [argument ...]",
		Version:               version(),
		DisableFlagsInUseLine: true,
		Short:                 "Run a server in production and reload it without dropping a connection",
		Long: "Run opens the sockets and runs the program with them. At SIGHUP it starts the\n" +
			"program once more, and stops the old worker when the new one is ready. It behaves\n" +
			"like Perl's start_server, takes the same options, and can be called by that name.\n\n" +
			"SIGTERM and SIGINT stop the program, then hotstart. A second signal kills both\n" +
			"immediately. SIGUSR1 reopens the log file. QUIT, WINCH, USR1 and USR2 are passed on\n" +
			"to the program.",
		Example: "  hotstart run --port=80 -- ./api --config=api.toml\n" +
			"  hotstart run --port=80 --ready=auto --pid-file=api.pid --status-file=api.status -- ./api\n" +
			"  hotstart run --restart --pid-file=api.pid --status-file=api.status",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.command = args
			return runSuperdaemon(cmd, o)
		},
	}
	cmd.SetVersionTemplate("hotstart {{.Version}}\n")
	cmd.Flags().SetInterspersed(false) // what follows the program is the program's
	setUsage(cmd, set, nil)
	return cmd
}

// asStartServer turns the command run into a program of its own.
func asStartServer(cmd *cobra.Command) *cobra.Command {
	cmd.Use = startServer + " [options] [--] program [argument ...]"
	cmd.Example = strings.ReplaceAll(cmd.Example, "hotstart run", startServer)
	cmd.SetVersionTemplate(compatible + " (hotstart {{.Version}})\n")
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetFlagErrorFunc(flagError)
	return cmd
}

func newRunOptions() *runOptions {
	return &runOptions{
		starter: starter.Options{
			SocketMode:   0o777,
			Dialects:     starter.Dialects(),
			Ready:        starter.ReadyInterval,
			Interval:     time.Second,
			ReadyTimeout: 30 * time.Second,
			ServeTimeout: 10 * time.Second,
			Overlap:      starter.OverlapOn,
			SignalOnHUP:  syscall.SIGTERM,
			SignalOnTerm: syscall.SIGTERM,
			ReapOrphans:  os.Getpid() == 1,
			CanReexec:    true,
		},
		autoInterval:   360 * time.Second,
		restartTimeout: 5 * time.Minute,
	}
}

func (o *runOptions) table() []settings.Group {
	s := &o.starter
	return []settings.Group{
		{Title: "Sockets", Specs: []settings.Spec{
			{Name: "port", Value: settings.Checked(&s.Ports, starter.ParsePort), Usage: "listen on `[host:][u]port[=fd]`"},
			{Name: "path", Value: settings.Checked(&s.Paths, starter.ParsePath), Usage: "listen on a unix socket at `path`"},
			{Name: "backlog", Value: settings.Parsed(&s.Backlog, "n", "0", daemon.ParseBacklog), Usage: "maximum number `n` of connections that wait on a socket (0: the system's maximum)"},
			{Name: "socket-mode", Value: settings.Parsed(&s.SocketMode, "mode", "0777", parseSocketMode), Usage: "octal `mode` of each --path"},
			{Name: "socket-owner", Value: settings.Parsed(&s.SocketOwner, "user[:group]", "", parseSocketOwner), Usage: "owner of each --path (`user[:group]`)"},
			{Name: "fd-dialects", Value: settings.Parsed(&s.Dialects, "list", strings.Join(s.Dialects, ","), starter.ParseDialects),
				Usage: "comma-separated `list` of the ways to pass the sockets to the program: server-starter (SERVER_STARTER_PORT), " +
					"systemd (LISTEN_FDS), hotstart (HOTSTART_FD)"},
		}},
		{Title: "Program", Specs: []settings.Spec{
			{Name: "dir", Value: settings.String(&o.dir), Usage: "working `folder` of the program; a relative program path is relative to it"},
			{Name: "envdir", Value: settings.String(&o.envDir), Usage: "`folder` with one file per environment variable, read before each start ($ENVDIR)"},
		}},
		{Title: "Readiness", Specs: []settings.Spec{
			{Name: "ready", Value: settings.Parsed(&s.Ready, "check", string(s.Ready), starter.ParseReadiness),
				Usage: "readiness `check` for a new worker: interval, auto, accept, notify, http=URL or tcp=ADDRESS"},
			{Name: "interval", Value: seconds(&s.Interval), Usage: "with --ready=interval, a worker is ready after it has run for this `duration`; also the pause between two failed starts"},
			{Name: "ready-timeout", Value: seconds(&s.ReadyTimeout), Usage: "with the other checks, maximum `duration` until a worker is ready (0: unlimited)"},
			{Name: "serve-timeout", Value: seconds(&s.ServeTimeout), Usage: "maximum `duration` from the first address that a new worker serves until it serves every address of the old one"},
			{Name: "overlap", Value: settings.Parsed(&s.Overlap, "auto|on|off", string(s.Overlap), starter.ParseOverlap),
				Usage: "run the old worker until the new one is ready; off stops it before the new one starts; auto changes to off after a " +
					"new worker failed because of something that the old one holds, such as a file lock"},
			{Name: "max-start-failures", Value: settings.Count(&s.MaxStartFailures), Usage: "give up after `n` failed starts in a row (0: never)"},
		}},
		{Title: "Stopping old workers", Specs: []settings.Spec{
			{Name: "signal-on-hup", Value: settings.Parsed(&s.SignalOnHUP, "signal", "TERM", starter.ParseSignal), Usage: "`signal` for old workers after a reload"},
			{Name: "signal-on-term", Value: settings.Parsed(&s.SignalOnTerm, "signal", "TERM", starter.ParseSignal), Usage: "`signal` for all workers when hotstart receives SIGTERM"},
			{Name: "kill-old-delay", Value: seconds(&s.KillOldDelay),
				Usage: "keep old workers running for this `duration` after the new one is ready ($KILL_OLD_DELAY; default 5s with --enable-auto-restart)"},
			{Name: "stop-timeout", Value: seconds(&s.StopTimeout), Usage: "maximum `duration` from the signal until a worker is killed (0: unlimited)"},
			{Name: "max-old", Value: settings.Count(&s.MaxOld), Usage: "maximum number `n` of old workers; when exceeded, stop the oldest (0: unlimited)"},
			{Name: "kill-group", Value: settings.Bool(&s.KillGroup), Usage: "run each worker in its own process group and stop the whole group"},
			{Name: "leash", Value: settings.Bool(&s.KillDescendants), Usage: "kill the workers when hotstart itself is killed; includes --kill-group"},
			{Name: "enable-auto-restart", Value: settings.Bool(&o.autoRestart), Usage: "also reload periodically ($ENABLE_AUTO_RESTART)"},
			{Name: "auto-restart-interval", Value: seconds(&o.autoInterval), Usage: "`duration` between periodic reloads ($AUTO_RESTART_INTERVAL)"},
		}},
		{Title: "Files", Specs: []settings.Spec{
			{Name: "log-file", Value: settings.String(&o.logFile), Usage: "append the output of hotstart and the program to `file`, or pipe it to a command: \"| command\""},
			{Name: "pid-file", Value: settings.String(&o.pidFile), Usage: "write hotstart's process ID to `file` and lock it"},
			{Name: "status-file", Value: settings.String(&o.statusFile), Usage: "write a line GENERATION:PID to `file` for each worker"},
			{Name: "daemonize", Value: settings.Bool(&o.daemonize), Usage: "run in the background; return when the first worker is ready; requires --log-file"},
		}},
		{Title: "Monitoring and control", Specs: []settings.Spec{
			{Name: "name", Value: settings.Parsed(&o.name, "name", "", parseName), Usage: "`name` by which hotstart status and other commands find this hotstart"},
			{Name: "control", Value: settings.String(&o.controlPath), Usage: "`path` of the control socket (off: none; default: in a private folder; under the name start_server: off)"},
			{Name: "metrics", Value: settings.String(&o.metrics), Usage: "serve metrics for Prometheus on `host:port`, at /metrics, for example 127.0.0.1:9100"},
		}},
		{Title: "Controlling a running instance", Specs: []settings.Spec{
			{Name: "restart", Value: settings.Bool(&o.restart), Usage: "reload, and wait until all old workers have exited; requires --pid-file and --status-file"},
			{Name: "stop", Value: settings.Bool(&o.stop), Usage: "stop, and wait until the instance has exited; requires --pid-file"},
			{Name: "restart-timeout", Value: seconds(&o.restartTimeout), Usage: "maximum `duration` to wait with --restart or --stop (0: unlimited)"},
		}},
	}
}

// seconds takes a number of seconds, as start_server does, or a duration with
// its unit: 3, 0.5, 1m30s.
func seconds(to *time.Duration) settings.Value { return settings.Seconds(to, daemon.ParseSeconds) }

func parseSocketMode(text string) (os.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 12)
	if err != nil || mode == 0 || mode > 0o777 {
		return 0, settings.Want("an octal mode such as 0660")
	}
	return os.FileMode(mode), nil
}

func parseSocketOwner(text string) (string, error) {
	_, _, err := starter.ParseOwner(text)
	return text, err
}

// fromEnvironment sets from start_server's variables what no flag has set, and
// sets a variable for each flag, as start_server does.
func (o *runOptions) fromEnvironment(f *pflag.FlagSet) error {
	for _, v := range []struct {
		flag, variable string
		shown          func() string // the value in the variable
	}{
		{"envdir", "ENVDIR", func() string { return o.envDir }},
		{"enable-auto-restart", "ENABLE_AUTO_RESTART", func() string { return map[bool]string{true: "1"}[o.autoRestart] }},
		{"auto-restart-interval", "AUTO_RESTART_INTERVAL", func() string { return report.Seconds(o.autoInterval) }},
		{"kill-old-delay", "KILL_OLD_DELAY", func() string { return report.Seconds(o.starter.KillOldDelay) }},
	} {
		flag, value := f.Lookup(v.flag), os.Getenv(v.variable)
		if flag.Changed {
			os.Setenv(v.variable, v.shown())
			continue
		}
		if v.flag == "enable-auto-restart" { // any other value than 0 is true in Perl
			o.autoRestart = value != "" && value != "0"
			continue
		}
		if value == "" {
			continue
		}
		if err := flag.Value.Set(value); err != nil {
			return fmt.Errorf("%s=%q: %w", v.variable, value, err)
		}
		flag.Changed = true
	}
	if o.autoRestart && !f.Lookup("kill-old-delay").Changed {
		o.starter.KillOldDelay = 5 * time.Second
	}
	return nil
}

// starterOptions checks the options together, and returns those of the starter.
func (o *runOptions) starterOptions() (starter.Options, error) {
	s := o.starter
	if len(s.Paths) == 0 && (s.SocketMode != 0o777 || s.SocketOwner != "") {
		return s, errors.New("--socket-mode and --socket-owner require --path")
	}
	s.Interval = max(s.Interval, time.Millisecond)
	s.ServeTimeout = max(s.ServeTimeout, 1) // 0 is the default of starter
	if s.ReadyTimeout == 0 {
		s.ReadyTimeout = -1 // unlimited
	}
	if o.autoRestart {
		s.AutoRestart = max(o.autoInterval, time.Second)
		if o.autoInterval == 0 {
			s.AutoRestart = 360 * time.Second // start_server: $ENV{AUTO_RESTART_INTERVAL} ||= 360
		}
	}
	s.KillGroup = s.KillGroup || s.KillDescendants
	if o.envDir != "" {
		s.BeforeStart = daemon.NewEnvDir(o.envDir).Apply
	}
	return s, s.Check()
}

// checkControl checks the options that --restart and --stop need.
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
