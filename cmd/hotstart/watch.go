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
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
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

	rules      []rules.Rule
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
		Short: "Build and reload a server whenever one of its source files changes",
		Long: "Watch builds the package (the one in this folder, or the only one below ./cmd),\n" +
			"runs it, and does so again whenever a file that the build reads changes. The old\n" +
			"program keeps serving until the new one is ready, and stays if the new one never\n" +
			"becomes ready.\n\n" +
			"The build adds one generated file to package main. With it, the listening sockets\n" +
			"that the program opens survive reloads, and an old worker answers its in-flight\n" +
			"requests before it stops. --adopt=off leaves the file out.\n\n" +
			"The sockets of --port and --path are opened by hotstart itself, so that connections\n" +
			"also wait during the first build. A program that listens on the same address\n" +
			"receives that socket; other programs find it by SERVER_STARTER_PORT, LISTEN_FDS or\n" +
			"the package github.com/hotstart/hotstart/starter/worker.\n\n" +
			"SIGHUP builds and reloads even if nothing has changed. SIGINT and SIGTERM stop the\n" +
			"program, then hotstart. A second signal kills both immediately.",
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
	f.StringArrayVar(&o.paths, "path", o.paths, "listen on a unix socket at `path`; repeatable")
	choiceVar(f, &o.adopt, "adopt", "auto|off", "instrument the program: its listeners survive reloads, and in-flight\nrequests are answered before a worker stops")

	f = groups.add("Build")
	f.StringVar(&o.buildFlags, "build-flags", o.buildFlags, "`flags` for go build, for example \"-tags dev -race\"; they override hotstart's own")
	choiceVar(f, &o.direct, "direct", "auto|off", "bypass the go command for builds known to produce the same binary")
	f.BoolVar(&o.debug, "debug", o.debug, "keep debug information in the binary")

	f = groups.add("Files")
	f.StringArrayVar(&o.watch, "watch", o.watch, "also reload when a file that matches `pattern` changes (** matches any depth);\nrepeatable")
	f.StringArrayVar(&o.restart, "restart", o.restart, "restart the program without a build when a file that matches `pattern` changes;\nrepeatable")
	f.StringArrayVar(&o.ignore, "ignore", o.ignore, "never reload for files that match `pattern`; repeatable")
	f.DurationVar(&o.poll, "poll", o.poll, "check the files every `duration` instead of waiting for file system events")

	f = groups.add("Commands and variables")
	f.Var(rules.Flag{Rules: &o.rules}, "rule", "run a command before the build when matching files change; example of a `rule`:\n'**/*.templ: templ generate'; repeatable")
	f.StringArrayVar(&o.before, "before", o.before, "run `command` before each build; repeatable")
	f.StringArrayVar(&o.afterReady, "after-ready", o.afterReady, "run `command` when a new worker is ready; repeatable")
	f.StringArrayVar(&o.onStop, "on-stop", o.onStop, "run `command` after the last worker has stopped; repeatable")
	f.StringArrayVar(&o.envFiles, "env-file", o.envFiles, "read environment variables for the program from `file`, for example .env;\nrepeatable")

	f = groups.add("Browser")
	f.StringVar(&o.browser, "browser", o.browser, "serve the script that reloads pages on `port` (0: a free port)")
	f.Lookup("browser").NoOptDefVal = "0"
	f.StringArrayVar(&o.refresh, "refresh", o.refresh, "reload only the open pages when a file that matches `pattern` changes;\nrepeatable")

	f = groups.add("Start and stop")
	choiceVar(f, &o.ready, "ready", "auto|accept|notify|interval", "readiness check for a new worker")
	f.DurationVar(&o.interval, "interval", o.interval, "with no other readiness signal, consider a worker ready after\nit has run for this `duration`")
	f.DurationVar(&o.readyTimeout, "ready-timeout", o.readyTimeout, "maximum `duration` until a new worker is ready\n(0: unlimited)")
	f.DurationVar(&o.serveTimeout, "serve-timeout", o.serveTimeout, "maximum `duration` from the first address that a new worker\nserves until it serves every address of the old one")
	f.DurationVar(&o.rollback, "rollback", o.rollback, "start the last good program again if a new one dies within\nthis `duration` after it took over (0: never)")
	choiceVar(f, &o.overlap, "overlap", "auto|on|off", "run the old worker until the new one is ready; off stops\nit before the new one starts; auto changes to off after a\nnew worker failed because of something that the old one\nholds, such as a file lock")
	f.StringVar(&o.stopSignal, "stop-signal", o.stopSignal, "`signal` that asks a worker to stop")
	f.DurationVar(&o.stopTimeout, "stop-timeout", o.stopTimeout, "maximum `duration` for an old worker to finish; then it is\nkilled (0: unlimited)")
	f.BoolVar(&o.postpone, "postpone", o.postpone, "do not build or start anything until a file changes")
	f.BoolVar(&o.exit, "exit", o.exit, "exit when the program exits by itself, with its exit code")

	o.display.addFlags(groups.add("Terminal"))

	f = groups.add("Settings")
	f.StringVar(&o.config, "config", o.config, "read settings from `file` (off: from no file; default: from hotstart.toml in this\nfolder or a folder above)")
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
		if err := oneOf(name, when, adoptAuto, adoptOff); err != nil {
			return starter.Options{}, &usageError{err: err, hint: "hotstart watch --help"}
		}
	}
	for name, d := range map[string]time.Duration{
		"interval": o.interval, "ready-timeout": o.readyTimeout, "serve-timeout": o.serveTimeout, "rollback": o.rollback, "stop-timeout": o.stopTimeout, "poll": o.poll,
	} {
		if d < 0 {
			return starter.Options{}, &usageError{err: fmt.Errorf("--%s must not be negative", name), hint: "hotstart watch --help"}
		}
	}
	if o.interval == 0 {
		return starter.Options{}, &usageError{err: errors.New("--interval must be greater than 0"), hint: "hotstart watch --help"}
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
