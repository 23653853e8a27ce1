package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/starter"
)

// watchOptions are the flags of hotstart watch.
type watchOptions struct {
	welcome  string   // a line to begin with; empty: none
	packages []string // what to build; empty: found by the builder
	args     []string // the program's own

	dir        string // where the go command and the program run, absolute; "": here
	ports      []string
	paths      []string
	buildFlags string
	debug      bool
	adopt      string
	direct     string

	watch  []string // patterns of more files that count
	ignore []string // patterns of files that don't
	poll   time.Duration

	rules      []rule
	before     []string // commands, before each build
	restart    []string // patterns of files that need no build
	refresh    []string // patterns of files that the browser alone needs to know of
	envFiles   []string
	afterReady []string // commands, when a new worker serves
	onStop     []string // commands, when the last has left
	postpone   bool     // wait for a first change
	exit       bool     // end when the program does
	stopSignal string
	browser    string // the port of the server for pages, 0 for a free one, or browserOff

	ready        string
	interval     time.Duration
	readyTimeout time.Duration
	serveTimeout time.Duration
	rollback     time.Duration
	overlap      string
	stopTimeout  time.Duration

	display displayOptions
	config  string // the file with settings; "": looked for; configOff: none
}

// defaultWatchOptions are the flags that nobody gave.
func defaultWatchOptions() watchOptions {
	return watchOptions{
		adopt:        adoptAuto,
		browser:      browserOff,
		direct:       directAuto,
		stopSignal:   "TERM",
		ready:        string(starter.ReadyAuto),
		interval:     time.Second,
		readyTimeout: 30 * time.Second,
		serveTimeout: 10 * time.Second,
		rollback:     10 * time.Second,
		overlap:      string(starter.OverlapAuto),
		stopTimeout:  10 * time.Second,
		display:      defaultDisplayOptions(),
	}
}

func newWatchCmd(everywhere *pflag.FlagSet) *cobra.Command {
	var flags *watchFlags
	cmd := &cobra.Command{
		Use:   "watch [package | files.go] [flags] [-- program arguments]",
		Short: "Build and reload a server whenever a file that it is built from changes",
		Long: "Watch builds the package (the one in this folder, or the only one below ./cmd),\n" +
			"runs it, and does so again whenever a file that the build reads changes. The old\n" +
			"program serves until the new one is seen to, and goes on if that never happens.\n\n" +
			"The sockets that the program binds are kept for the workers to come, by a file that\n" +
			"the build adds to package main; --adopt=off leaves it out.\n\n" +
			"The sockets of --port and --path are made by hotstart itself, so that connections\n" +
			"wait during the first build, too. A program that binds the same address is given\n" +
			"them; others find them in SERVER_STARTER_PORT or LISTEN_FDS, or by the package\n" +
			"github.com/hotstart/hotstart/starter/worker.\n\n" +
			"SIGHUP builds and reloads, also if nothing has changed. SIGINT and SIGTERM end\n" +
			"the program and then hotstart; a second one at once.",
		Example: "  hotstart watch\n" +
			"  hotstart watch ./cmd/api --port=8080\n" +
			"  hotstart watch --port=8080 --build-flags='-tags dev -race' -- --config=dev.yaml\n" +
			"  hotstart watch ./cmd/api --port=8080 --watch='web/**/*.html'",
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.take(args, cmd.ArgsLenAtDash())
			return watchAsSet(cmd, flags)
		},
	}
	flags = newWatchFlags(cmd, everywhere)
	return cmd
}

// addFlags makes the flags, each in the group that the help shows it in.
func (o *watchOptions) addFlags(cmd *cobra.Command) *flagGroups {
	groups := &flagGroups{cmd: cmd}
	f := groups.add("Sockets")
	f.StringArrayVar(&o.ports, "port", o.ports, "listen on `[host:][u]port[=fd]`; repeatable")
	f.StringArrayVar(&o.paths, "path", o.paths, "listen on the unix socket `path`; repeatable")
	f.StringVar(&o.adopt, "adopt", o.adopt, "have the program inherit its sockets: `when` is auto or off")

	f = groups.add("Build")
	f.StringVar(&o.buildFlags, "build-flags", o.buildFlags, "`flags` for go build, as \"-tags dev -race\"; they win over hotstart's")
	f.StringVar(&o.direct, "direct", o.direct, "go around the go command where that surely builds the same: `when`\nis auto or off")
	f.BoolVar(&o.debug, "debug", o.debug, "keep what a debugger needs in the binary")

	f = groups.add("Files")
	f.StringArrayVar(&o.watch, "watch", o.watch, "also reload for files that `pattern` matches; ** is any depth; repeatable")
	f.StringArrayVar(&o.restart, "restart", o.restart, "start the program again, without a build, for files that `pattern`\nmatches; repeatable")
	f.StringArrayVar(&o.ignore, "ignore", o.ignore, "never reload for files that `pattern` matches; repeatable")
	f.DurationVar(&o.poll, "poll", o.poll, "look at the files every `interval` instead of waiting for events")

	f = groups.add("Commands and variables")
	f.Var(ruleFlag{&o.rules}, "rule", "run a command before the build when files change; `rule` is as\n'**/*.templ: templ generate'; repeatable")
	f.StringArrayVar(&o.before, "before", o.before, "run `command` before each build; repeatable")
	f.StringArrayVar(&o.afterReady, "after-ready", o.afterReady, "run `command` when a new worker serves; repeatable")
	f.StringArrayVar(&o.onStop, "on-stop", o.onStop, "run `command` when the last worker has left; repeatable")
	f.StringArrayVar(&o.envFiles, "env-file", o.envFiles, "read variables of the program from `file`, as .env; repeatable")

	f = groups.add("Browser")
	f.StringVar(&o.browser, "browser", o.browser, "serve a script that has pages reload, on `port`")
	f.Lookup("browser").NoOptDefVal = "0"
	f.StringArrayVar(&o.refresh, "refresh", o.refresh, "only reload the pages for files that `pattern` matches; repeatable")

	f = groups.add("Start and stop")
	f.StringVar(&o.ready, "ready", o.ready, "how a new worker proves that it serves: `way` is auto, accept, notify\nor interval")
	f.DurationVar(&o.interval, "interval", o.interval, "how `long` a worker must live where nothing else can be seen")
	f.DurationVar(&o.readyTimeout, "ready-timeout", o.readyTimeout, "how `long` a worker may take to serve; 0 is for ever")
	f.DurationVar(&o.serveTimeout, "serve-timeout", o.serveTimeout, "`duration` from the first address that a new worker serves until it must serve\nall that the old one serves")
	f.DurationVar(&o.rollback, "rollback", o.rollback, "return to the last good program if a new one dies within this `duration`\nafter it took over; 0 is never")
	f.StringVar(&o.overlap, "overlap", o.overlap, "run the old worker until the new one serves: `auto|on|off`; off ends it\nbefore the new one is started, and auto does so once a new worker has\nfailed for what the old one holds, such as a lock on a file")
	f.StringVar(&o.stopSignal, "stop-signal", o.stopSignal, "the `signal` that tells a worker to finish")
	f.DurationVar(&o.stopTimeout, "stop-timeout", o.stopTimeout, "how `long` an old worker may take to finish; 0 is for ever")
	f.BoolVar(&o.postpone, "postpone", o.postpone, "build nothing before a first change")
	f.BoolVar(&o.exit, "exit", o.exit, "end when the program ends by itself, with its exit code")

	o.display.addFlags(groups.add("Terminal"))

	f = groups.add("Settings")
	f.StringVar(&o.config, "config", o.config, "read settings from `file`, or off: from none; else from hotstart.toml\nhere or above")
	settings.NotKey(f, "config")
	groups.done()
	return groups
}

// maxDeaths is how often a program that crashes soon after it has begun to
// serve is started again, before somebody has to look at it.
const maxDeaths = 5

// What --adopt and --direct take.
const (
	adoptAuto  = "auto"
	adoptOff   = "off"
	directAuto = "auto"
	directOff  = "off"
)

// forever outlasts any session.
const forever = 365 * 24 * time.Hour

// starterOptions are those of the superdaemon in this mode: it outlives bad
// code, and nothing outlives it.
func (o watchOptions) starterOptions(mark, output string, report func(starter.Event)) (starter.Options, error) {
	ready, err := starter.ParseReadiness(o.ready)
	if err != nil {
		return starter.Options{}, &usageError{err: err, hint: "hotstart watch --help"}
	}
	overlap, err := starter.ParseOverlap(o.overlap)
	if err != nil {
		return starter.Options{}, &usageError{err: fmt.Errorf("--overlap: %w", err), hint: "hotstart watch --overlap=off"}
	}
	for name, when := range map[string]string{"adopt": o.adopt, "direct": o.direct} {
		if when != adoptAuto && when != adoptOff {
			return starter.Options{}, &usageError{err: fmt.Errorf("--%s=%q is neither auto nor off", name, when), hint: "hotstart watch --help"}
		}
	}
	for name, d := range map[string]time.Duration{
		"interval": o.interval, "ready-timeout": o.readyTimeout, "serve-timeout": o.serveTimeout, "rollback": o.rollback, "stop-timeout": o.stopTimeout, "poll": o.poll,
	} {
		if d < 0 {
			return starter.Options{}, &usageError{err: fmt.Errorf("--%s=%v is less than nothing", name, d), hint: "hotstart watch --help"}
		}
	}
	if o.interval == 0 {
		return starter.Options{}, &usageError{err: errors.New("--interval=0 proves nothing"), hint: "hotstart watch --help"}
	}
	stopSignal, err := starter.ParseSignal(o.stopSignal)
	if err != nil {
		return starter.Options{}, &usageError{err: fmt.Errorf("--stop-signal: %w", err), hint: "hotstart watch --stop-signal=INT"}
	}
	readyTimeout := o.readyTimeout
	if readyTimeout == 0 {
		readyTimeout = -1 // for ever
	}
	// What is left of the time is for a program's own handling of the signal.
	drain := o.stopTimeout * 4 / 5
	if drain == 0 {
		drain = forever
	}
	return starter.Options{
		Ports:            o.ports,
		Paths:            o.paths,
		DualStack:        true,
		Share:            o.adopt != adoptOff,
		Ready:            ready,
		Interval:         o.interval,
		ReadyTimeout:     readyTimeout,
		ServeTimeout:     max(o.serveTimeout, 1), // 0 is not the default here
		Rollback:         o.rollback,
		Overlap:          overlap,
		DrainTimeout:     drain,
		CutStreams:       true,
		StopTimeout:      o.stopTimeout,
		SignalOnHUP:      stopSignal,
		SignalOnTerm:     stopSignal,
		MaxStartFailures: 1,
		MaxDeaths:        maxDeaths,
		LetEnd:           true,
		Outlive:          true,
		Helper:           true,
		Leash:            true,
		Mark:             mark,
		Scratch:          output,
		Report:           report,
	}, nil
}

// builderOptions are what to build, with its binaries in output.
func (o watchOptions) builderOptions(mark, output string) (builder.Options, error) {
	flags, err := splitFlags(o.buildFlags)
	if err != nil {
		return builder.Options{}, &usageError{err: err, hint: `hotstart watch --build-flags="-tags dev"`}
	}
	return builder.Options{
		Dir:      o.dir,
		Packages: o.packages,
		Flags:    flags,
		Debug:    o.debug,
		Adopt:    o.adopt != adoptOff,
		Direct:   o.direct != directOff,
		Env:      append(os.Environ(), mark),
		Output:   output,
	}, nil
}

// splitFlags splits at white space, except between quotes.
func splitFlags(s string) ([]string, error) {
	var flags []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var flag strings.Builder
		for s != "" && s[0] != ' ' && s[0] != '\t' && s[0] != '\n' {
			if s[0] != '\'' && s[0] != '"' {
				flag.WriteByte(s[0])
				s = s[1:]
				continue
			}
			quoted, rest, closed := strings.Cut(s[1:], s[:1])
			if !closed {
				return nil, fmt.Errorf("--build-flags: a %s is not closed", s[:1])
			}
			flag.WriteString(quoted)
			s = rest
		}
		flags = append(flags, flag.String())
	}
	return flags, nil
}

// isUsage reports whether the command line is to blame for err.
func isUsage(err error) bool {
	var usage *usageError
	var format *starter.FormatError
	var choice *builder.ChoiceError
	var library *builder.NotMainError
	var misused *builder.UsageError
	var setting *settings.Error
	return errors.As(err, &misused) || errors.As(err, &setting) || errors.As(err, &usage) || errors.As(err, &format) || errors.As(err, &choice) || errors.As(err, &library)
}
