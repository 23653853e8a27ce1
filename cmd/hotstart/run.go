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
		Long: "Run binds the sockets and runs the program with them; at SIGHUP it runs it once more,\n" +
			"and when the new one is up, tells the old one to finish. It does what Perl's\n" +
			"start_server does, also under that name, and takes the same options.\n\n" +
			"SIGTERM and SIGINT end the program and then hotstart; a second one at once. SIGUSR1\n" +
			"opens the log file again. QUIT, WINCH, USR1 and USR2 are passed on to the program.",
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
			f.StringArrayVar(&o.paths, "path", nil, "listen on the unix socket `path`; repeatable")
			f.Var(&o.backlog, "backlog", "`connections` that may wait on a socket; 0 is as many as the system allows")
			f.StringVar(&o.socketMode, "socket-mode", "0777", "`mode` of each --path")
			f.StringVar(&o.socketOwner, "socket-owner", "", "`user[:group]` of each --path")
			f.StringVar(&o.dialects, "fd-dialects", strings.Join(starter.Dialects(), ","), "`list` of the ways in which the program is told of its sockets: SERVER_STARTER_PORT, LISTEN_FDS, HOTSTART_FD")
		}),
		group("The program", func(f *pflag.FlagSet) {
			f.StringVar(&o.dir, "dir", "", "`folder` that it runs in; a relative program is relative to it")
			f.StringVar(&o.envDir, "envdir", "", "`folder` with a file for each variable, read before each start ($ENVDIR)")
		}),
		group("When a new worker is up", func(f *pflag.FlagSet) {
			f.StringVar(&o.ready, "ready", string(starter.ReadyInterval), "`way` to tell: interval, auto, accept, notify, http=URL or tcp=ADDRESS")
			f.Var(&o.interval, "interval", "how `long` it must live with --ready=interval; also the time between two attempts")
			f.Var(&o.readyTimeout, "ready-timeout", "how `long` it may take with the other ways; 0 is for ever")
			f.Var(&o.serveTimeout, "serve-timeout", "`duration` from the first address that it serves until it must serve all that\nthe old one serves")
			f.StringVar(&o.overlap, "overlap", string(starter.OverlapOn), "run the old worker until the new one is up: `auto|on|off`; off ends it before\nthe new one is started, and auto does so once a new worker has failed for\nwhat the old one holds, such as a lock on a file")
			f.IntVar(&o.maxFailures, "max-start-failures", 0, "give up after this `number` of failed starts in a row; 0 is never")
		}),
		group("How old workers leave", func(f *pflag.FlagSet) {
			f.StringVar(&o.signalOnHUP, "signal-on-hup", "TERM", "`signal` that they get after a reload")
			f.StringVar(&o.signalOnTerm, "signal-on-term", "TERM", "`signal` that all workers get at SIGTERM")
			f.Var(&o.killOldDelay, "kill-old-delay", "how `long` they go on beside the new one ($KILL_OLD_DELAY); with --enable-auto-restart 5s")
			f.Var(&o.stopTimeout, "stop-timeout", "how `long` one may take from its signal until it is killed; 0 is for ever")
			f.IntVar(&o.maxOld, "max-old", 0, "a `number` that may live: the oldest of more is ended; 0 is any")
			f.BoolVar(&o.killGroup, "kill-group", false, "give each worker a process group of its own, and end the whole group with it")
			f.BoolVar(&o.leash, "leash", false, "kill workers when hotstart itself is killed; includes --kill-group")
			f.BoolVar(&o.autoRestart, "enable-auto-restart", false, "reload by time, too ($ENABLE_AUTO_RESTART)")
			f.Var(&o.autoInterval, "auto-restart-interval", "how `long` a worker serves until then ($AUTO_RESTART_INTERVAL)")
		}),
		group("Files", func(f *pflag.FlagSet) {
			f.StringVar(&o.logFile, "log-file", "", "append what hotstart and the program print to `file`, or pipe it to a command: \"| command\"")
			f.StringVar(&o.pidFile, "pid-file", "", "`file` that holds hotstart's pid, and its lock")
			f.StringVar(&o.statusFile, "status-file", "", "`file` with a line GENERATION:PID for each worker")
			f.BoolVar(&o.daemonize, "daemonize", false, "run in the background; return when the first worker is up; needs --log-file")
		}),
		group("Another hotstart run", func(f *pflag.FlagSet) {
			f.BoolVar(&o.restart, "restart", false, "reload it, and wait until no older worker lives; needs --pid-file and --status-file")
			f.BoolVar(&o.stop, "stop", false, "stop it, and wait until it is gone; needs --pid-file")
			f.Var(&o.restartTimeout, "restart-timeout", "how `long` these two wait; 0 is for ever")
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
			return so, fmt.Errorf("--%s=%d is less than nothing", name, n)
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
		return so, fmt.Errorf("--socket-mode=%q is no mode like 0660", o.socketMode)
	}
	if len(o.paths) == 0 && (mode != 0o777 || o.socketOwner != "") {
		return so, errors.New("--socket-mode and --socket-owner are those of a --path, and there is none")
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
