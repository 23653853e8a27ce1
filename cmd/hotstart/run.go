package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/starter"
)

// startServer is the name under which this program is Perl's start_server.
const startServer = "start_server"

// runOptions are the flags of hotstart run.
type runOptions struct {
	command []string // the program and its arguments

	ports       []string
	paths       []string
	backlog     backlog
	socketMode  string
	socketOwner string
	dialects    string

	dir    string
	envDir string

	ready        string
	interval     seconds
	readyTimeout seconds
	serveTimeout seconds
	maxFailures  int
	overlap      string

	signalOnHUP  string
	signalOnTerm string
	killOldDelay seconds
	stopTimeout  seconds
	maxOld       int
	autoRestart  bool
	autoInterval seconds
	killGroup    bool
	leash        bool

	logFile    string
	pidFile    string
	statusFile string
	daemonize  bool

	restart        bool
	stop           bool
	restartTimeout seconds
}

func newRunCmd() *cobra.Command {
	o := &runOptions{}
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
			return runRun(cmd, o)
		},
	}
	cmd.SetVersionTemplate("hotstart {{.Version}}\n")
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows the program is the program's
	f.AddFlagSet(o.flagSet())
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		fmt.Fprintf(cmd.OutOrStderr(), "Usage:\n  %s\n\nExamples:\n%s\n%s", cmd.UseLine(), cmd.Example, runUsage())
		return nil
	})
	return cmd
}

// runUsage is the list of the flags in the help.
func runUsage() string { return usages(new(runOptions).groups()) }

// flagSet binds every flag to o.
func (o *runOptions) flagSet() *pflag.FlagSet {
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	for _, g := range o.groups() {
		f.AddFlagSet(g.flags)
	}
	return f
}

// flagGroup is a part of the help.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

func usages(groups []flagGroup) string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsages())
	}
	return b.String()
}

// groups binds the flags to o, in the order in which the help shows them.
// Their defaults are start_server's.
func (o *runOptions) groups() []flagGroup {
	o.interval, o.readyTimeout = seconds(time.Second), seconds(30*time.Second)
	o.serveTimeout = seconds(10 * time.Second)
	o.autoInterval, o.restartTimeout = seconds(360*time.Second), seconds(5*time.Minute)
	group := func(title string, add func(f *pflag.FlagSet)) flagGroup {
		f := pflag.NewFlagSet(title, pflag.ContinueOnError)
		f.SortFlags = false
		add(f)
		return flagGroup{title, f}
	}
	return []flagGroup{
		group("Sockets", func(f *pflag.FlagSet) {
			f.StringArrayVar(&o.ports, "port", nil, "listen on `[host:][u]port[=fd]`; repeatable")
			f.StringArrayVar(&o.paths, "path", nil, "listen on a unix socket at `path`; repeatable")
			f.Var(&o.backlog, "backlog", "maximum number `n` of connections that wait on a socket\n(0: the system's maximum)")
			f.StringVar(&o.socketMode, "socket-mode", "0777", "octal `mode` of each --path")
			f.StringVar(&o.socketOwner, "socket-owner", "", "owner of each --path (`user[:group]`)")
			f.StringVar(&o.dialects, "fd-dialects", strings.Join(starter.Dialects(), ","), "comma-separated `list` of the ways to pass the sockets to the program:\nserver-starter (SERVER_STARTER_PORT), systemd (LISTEN_FDS),\nhotstart (HOTSTART_FD)")
		}),
		group("Program", func(f *pflag.FlagSet) {
			f.StringVar(&o.dir, "dir", "", "working `folder` of the program; a relative program path is relative to it")
			f.StringVar(&o.envDir, "envdir", "", "`folder` with one file per environment variable, read before each start ($ENVDIR)")
		}),
		group("Readiness", func(f *pflag.FlagSet) {
			f.StringVar(&o.ready, "ready", string(starter.ReadyInterval), "readiness `check` for a new worker: interval, auto, accept, notify, http=URL\nor tcp=ADDRESS")
			f.Var(&o.interval, "interval", "with --ready=interval, a worker is ready after it has run for this `duration`;\nalso the pause between two failed starts")
			f.Var(&o.readyTimeout, "ready-timeout", "with the other checks, maximum `duration` until a worker is ready\n(0: unlimited)")
			f.Var(&o.serveTimeout, "serve-timeout", "maximum `duration` from the first address that a new worker serves until it\nserves every address of the old one")
			o.overlap = string(starter.OverlapOn)
			choiceVar(f, &o.overlap, "overlap", "auto|on|off", "run the old worker until the new one is ready; off stops it before\nthe new one starts; auto changes to off after a new worker failed because of\nsomething that the old one holds, such as a file lock")
			f.IntVar(&o.maxFailures, "max-start-failures", 0, "give up after `n` failed starts in a row (0: never)")
		}),
		group("Stopping old workers", func(f *pflag.FlagSet) {
			f.StringVar(&o.signalOnHUP, "signal-on-hup", "TERM", "`signal` for old workers after a reload")
			f.StringVar(&o.signalOnTerm, "signal-on-term", "TERM", "`signal` for all workers when hotstart receives SIGTERM")
			f.Var(&o.killOldDelay, "kill-old-delay", "keep old workers running for this `duration` after the new one is ready\n($KILL_OLD_DELAY; default 5s with --enable-auto-restart)")
			f.Var(&o.stopTimeout, "stop-timeout", "maximum `duration` from the signal until a worker is killed (0: unlimited)")
			f.IntVar(&o.maxOld, "max-old", 0, "maximum number `n` of old workers; when exceeded, stop the oldest\n(0: unlimited)")
			f.BoolVar(&o.killGroup, "kill-group", false, "run each worker in its own process group and stop the whole group")
			f.BoolVar(&o.leash, "leash", false, "kill the workers when hotstart itself is killed; includes --kill-group")
			f.BoolVar(&o.autoRestart, "enable-auto-restart", false, "also reload periodically ($ENABLE_AUTO_RESTART)")
			f.Var(&o.autoInterval, "auto-restart-interval", "`duration` between periodic reloads ($AUTO_RESTART_INTERVAL)")
		}),
		group("Files", func(f *pflag.FlagSet) {
			f.StringVar(&o.logFile, "log-file", "", "append the output of hotstart and the program to `file`, or pipe it to a command:\n\"| command\"")
			f.StringVar(&o.pidFile, "pid-file", "", "write hotstart's process ID to `file` and lock it")
			f.StringVar(&o.statusFile, "status-file", "", "write a line GENERATION:PID to `file` for each worker")
			f.BoolVar(&o.daemonize, "daemonize", false, "run in the background; return when the first worker is ready; requires --log-file")
		}),
		group("Controlling a running instance", func(f *pflag.FlagSet) {
			f.BoolVar(&o.restart, "restart", false, "reload, and wait until all old workers have exited; requires --pid-file and\n--status-file")
			f.BoolVar(&o.stop, "stop", false, "stop, and wait until the instance has exited; requires --pid-file")
			f.Var(&o.restartTimeout, "restart-timeout", "maximum `duration` to wait with --restart or --stop (0: unlimited)")
		}),
	}
}

// fromEnvironment fills in what no flag says, and puts what one does say into
// the environment, as start_server does.
func (o *runOptions) fromEnvironment(f *pflag.FlagSet) error {
	for _, v := range []struct{ flag, name string }{
		{"envdir", "ENVDIR"},
		{"enable-auto-restart", "ENABLE_AUTO_RESTART"},
		{"auto-restart-interval", "AUTO_RESTART_INTERVAL"},
		{"kill-old-delay", "KILL_OLD_DELAY"},
	} {
		flag, value := f.Lookup(v.flag), os.Getenv(v.name)
		if flag.Changed {
			os.Setenv(v.name, shown(flag.Value))
			continue
		}
		if v.flag == "enable-auto-restart" {
			value = strconv.FormatBool(value != "" && value != "0")
		}
		if value == "" {
			continue
		}
		if err := flag.Value.Set(value); err != nil {
			return fmt.Errorf("%s=%q: %w", v.name, value, err)
		}
		flag.Changed = v.flag != "enable-auto-restart"
	}
	if o.autoRestart && !f.Lookup("kill-old-delay").Changed {
		o.killOldDelay = seconds(5 * time.Second)
	}
	return nil
}

// shown is a flag's value as start_server has it in its environment.
func shown(v pflag.Value) string {
	switch s := v.(type) {
	case *seconds:
		return strconv.FormatFloat(time.Duration(*s).Seconds(), 'f', -1, 64)
	default:
		if v.String() == "true" {
			return "1"
		}
		return strings.TrimSuffix(v.String(), "false")
	}
}

// starterOptions checks every option that can be checked without a process.
func (o *runOptions) starterOptions() (so starter.Options, err error) {
	so = starter.Options{
		Ports:            o.ports,
		Paths:            o.paths,
		Backlog:          int(o.backlog),
		SocketOwner:      o.socketOwner,
		Interval:         max(time.Duration(o.interval), time.Millisecond),
		ReadyTimeout:     time.Duration(o.readyTimeout),
		ServeTimeout:     max(time.Duration(o.serveTimeout), 1), // 0 is not the default here
		KillOldDelay:     time.Duration(o.killOldDelay),
		StopTimeout:      time.Duration(o.stopTimeout),
		MaxOld:           o.maxOld,
		MaxStartFailures: o.maxFailures,
		PIDFile:          o.pidFile,
		StatusFile:       o.statusFile,
		EnvDir:           o.envDir,
		KillGroup:        o.killGroup || o.leash,
		Leash:            o.leash,
		Orphans:          os.Getpid() == 1,
		Helper:           true,
	}
	if so.ReadyTimeout == 0 {
		so.ReadyTimeout = -1 // for ever
	}
	if o.autoRestart {
		so.AutoRestart = max(time.Duration(o.autoInterval), time.Second)
		if o.autoInterval == 0 {
			so.AutoRestart = 360 * time.Second // start_server's: $ENV{AUTO_RESTART_INTERVAL} ||= 360
		}
	}
	for name, n := range map[string]int{"max-start-failures": o.maxFailures, "max-old": o.maxOld} {
		if n < 0 {
			return so, fmt.Errorf("--%s must not be negative", name)
		}
	}
	if so.Ready, err = starter.ParseReadiness(o.ready); err != nil {
		return so, fmt.Errorf("--ready: %w", err)
	}
	if so.Dialects, err = starter.ParseDialects(o.dialects); err != nil {
		return so, fmt.Errorf("--fd-dialects: %w", err)
	}
	if so.Overlap, err = starter.ParseOverlap(o.overlap); err != nil {
		return so, fmt.Errorf("--overlap: %w", err)
	}
	if so.SignalOnHUP, err = starter.ParseSignal(o.signalOnHUP); err != nil {
		return so, fmt.Errorf("--signal-on-hup: %w", err)
	}
	if so.SignalOnTerm, err = starter.ParseSignal(o.signalOnTerm); err != nil {
		return so, fmt.Errorf("--signal-on-term: %w", err)
	}
	if _, _, err = starter.ParseOwner(o.socketOwner); err != nil {
		return so, fmt.Errorf("--socket-owner: %w", err)
	}
	mode, err := strconv.ParseUint(o.socketMode, 8, 12)
	if err != nil || mode == 0 || mode > 0o777 {
		return so, fmt.Errorf("invalid --socket-mode %q: want an octal mode such as 0660", o.socketMode)
	}
	if len(o.paths) == 0 && (mode != 0o777 || o.socketOwner != "") {
		return so, errors.New("--socket-mode and --socket-owner require --path")
	}
	so.SocketMode = os.FileMode(mode)
	return so, so.Check()
}

// program finds what is to be run, as start_server's exec does: a name with
// a slash is relative to --dir, one without is looked for in PATH.
func (o *runOptions) program() (*starter.Command, error) {
	name := o.command[0]
	c := &starter.Command{Path: name, Args: o.command, Dir: o.dir}
	if !strings.Contains(name, "/") {
		path, err := exec.LookPath(name)
		if err != nil {
			return nil, &hintedError{fmt.Errorf("starting %s: it is not found in PATH", name), "for a file of this folder: ./" + name}
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
		return c, nil // both may come yet: each start will tell
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("starting %s: it does not exist", name)
	case err != nil:
		return nil, fmt.Errorf("starting %s: %w", file, err)
	case info.IsDir():
		return nil, fmt.Errorf("starting %s: it is a folder", file)
	case info.Mode()&0o111 == 0:
		return nil, &hintedError{fmt.Errorf("starting %s: it is not executable", file), "chmod +x " + file}
	}
	return c, nil
}

// signalsOfRun are those that hotstart run handles or passes on. PIPE is
// caught so that a log that nobody reads does not end hotstart; workers have
// their default of it.
func signalsOfRun() []os.Signal {
	return []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT,
		syscall.SIGWINCH, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE,
	}
}
