package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/settings"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/watcher"
)

// watchFlags are the settings of hotstart watch and the options that they fill.
type watchFlags struct {
	options session.Options
	set     *settings.Set
}

// newWatchFlags returns the settings with their defaults. The flags of inherited
// belong to every command; nil: none.
func newWatchFlags(inherited *pflag.FlagSet) *watchFlags {
	f := &watchFlags{options: session.DefaultOptions()}
	f.set = settings.NewSet(inherited, watchTable(&f.options)...)
	return f
}

// watchTable binds the settings of hotstart watch to options.
func watchTable(o *session.Options) []settings.Group {
	config, format := "", formatText // read by name
	return []settings.Group{
		{Title: "Program", Specs: []settings.Spec{
			{Name: "package", Value: settings.Strings(&o.Builder.Packages), KeyOnly: true, Live: session.AppliesToBuild,
				Usage: "package to build, for example ./cmd/api; empty: the package in this folder, or the only one below ./cmd"},
			{Name: "args", Value: settings.Strings(&o.Args), KeyOnly: true, Live: session.AppliesToStart, Usage: "arguments of the program, one per element"},
		}},
		{Title: "Sockets", Specs: []settings.Spec{
			{Name: "port", Value: settings.Checked(&o.Starter.Ports, starter.ParsePort), Usage: "listen on `[host:][u]port[=fd]`"},
			{Name: "path", Value: settings.Checked(&o.Starter.Paths, starter.ParsePath), Usage: "listen on a unix socket at `path`"},
			{Name: "adopt", Value: settings.Switch(&o.Builder.Adopt, "auto", "off"),
				Usage: "instrument the program: its listeners survive reloads, and in-flight requests are answered before a worker stops"},
		}},
		{Title: "Build", Specs: []settings.Spec{
			{Name: "build-flags", Value: settings.Words(&o.Builder.Flags), Live: session.AppliesToBuild,
				Usage: "`flags` for go build, such as \"-tags dev -race\"; they override hotstart's own"},
			{Name: "direct", Value: settings.Parsed(&o.Builder.FastBuild, "auto|whole|off", string(o.Builder.FastBuild), builder.ParseFastBuild), Live: session.AppliesToBuild,
				Usage: "bypass the go command if safe; whole: link all packages"},
			{Name: "debug", Value: settings.Bool(&o.Builder.Debug), Live: session.AppliesToBuild, Usage: "keep debug information in the binary"},
		}},
		{Title: "Files", Specs: []settings.Spec{
			{Name: "watch", Value: settings.Checked(&o.Watch, parsePatterns), Live: session.AppliesToFiles,
				Usage: "also reload when a file that matches `pattern` changes (** matches any depth)"},
			{Name: "restart", Value: settings.Checked(&o.Restart, parsePatterns), Live: session.AppliesToFiles,
				Usage: "restart the program without a build when a file that matches `pattern` changes"},
			{Name: "ignore", Value: settings.Checked(&o.Ignore, parsePatterns), Live: session.AppliesToFiles | session.AppliesToRules, Usage: "never reload for files that match `pattern`"},
			{Name: "poll", Value: settings.Duration(&o.Poll), Usage: "check the files every `duration` instead of waiting for file system events"},
		}},
		{Title: "Commands and variables", Specs: []settings.Spec{
			{Name: "rule", Value: rules.Value(&o.Rules), Live: session.AppliesToFiles | session.AppliesToRules,
				Usage: "run a command before the build when matching files change; example of a `rule`: '**/*.templ: templ generate'"},
			{Name: "before", Value: settings.Strings(&o.Before), Live: session.AppliesToRules, Usage: "run `command` before each build"},
			{Name: "after-ready", Value: settings.Strings(&o.AfterReady), Live: session.AppliesLater, Usage: "run `command` when a new worker is ready"},
			{Name: "on-stop", Value: settings.Strings(&o.OnStop), Live: session.AppliesLater, Usage: "run `command` after the last worker has stopped"},
			{Name: "env-file", Value: settings.Strings(&o.EnvFiles), Live: session.AppliesToFiles | session.AppliesToStart,
				Usage: "read environment variables for the program from `file`, such as .env"},
		}},
		{Title: "Browser", Specs: []settings.Spec{
			{Name: "browser", Value: settings.Parsed(&o.Browser, "auto|off|port", o.Browser, parseBrowser), Alone: "0",
				Usage: "reload pages; serve the script on `port`, too (0: a free one)"},
			{Name: "browser-log", Value: settings.Switch(&o.BrowserLog, "auto", "off"), Usage: "show console errors and unhandled rejections of pages"},
			{Name: "open", Value: settings.Bool(&o.Open), Usage: "open the browser when the program first serves, like the key o"},
			{Name: "fresh", Value: settings.Duration(&o.Fresh), Alone: "2s", Live: session.AppliesLater, Usage: "let clients wait for the result of an edit, each for at most `duration`"},
			{Name: "refresh", Value: settings.Checked(&o.Refresh, parsePatterns), Live: session.AppliesToFiles, Usage: "only reload pages when a file that matches `pattern` changes"},
		}},
		{Title: "Start and stop", Specs: []settings.Spec{
			{Name: "ready", Value: settings.Parsed(&o.Starter.Ready, "auto|accept|notify|interval", string(o.Starter.Ready), starter.ParseReadiness), Usage: "readiness check for a new worker"},
			{Name: "interval", Value: settings.PositiveDuration(&o.Starter.Interval), Usage: "with no other readiness signal, consider a worker ready after it has run for this `duration`"},
			{Name: "ready-timeout", Value: settings.Duration(&o.Starter.ReadyTimeout), Live: session.AppliesToTimes, Usage: "maximum `duration` until it is ready (0: unlimited)"},
			{Name: "serve-timeout", Value: settings.Duration(&o.Starter.ServeTimeout), Live: session.AppliesToTimes,
				Usage: "maximum `duration` from the first address that a new worker serves until it serves every address of the old one"},
			{Name: "rollback", Value: settings.Duration(&o.Starter.Rollback), Live: session.AppliesToTimes,
				Usage: "start the last good program again if a new one dies within this `duration` after it took over (0: never)"},
			{Name: "overlap", Value: settings.Parsed(&o.Starter.Overlap, "auto|on|off", string(o.Starter.Overlap), starter.ParseOverlap),
				Usage: "run the old worker until the new one is ready; off stops it first; auto changes to off " +
					"after a new worker failed because of something that the old one holds, such as a file lock"},
			{Name: "stop-signal", Value: settings.Parsed(&o.Starter.SignalOnHUP, "signal", starter.SignalName(o.Starter.SignalOnHUP), starter.ParseSignal), Usage: "`signal` that asks a worker to stop"},
			{Name: "stop-timeout", Value: settings.Duration(&o.Starter.StopTimeout), Live: session.AppliesToTimes,
				Usage: "maximum `duration` for an old worker to finish; then it is killed (0: unlimited)"},
			{Name: "postpone", Value: settings.Bool(&o.Postpone), Usage: "do not build or start anything until a file changes"},
			{Name: "exit", Value: settings.Bool(&o.Exit), Usage: "exit when the program exits by itself, with its exit code"},
		}},
		{Title: "Terminal", Specs: []settings.Spec{
			{Name: "log-format", Value: settings.Choice(&format, formatText, formatPlain, formatJSON), Usage: "print text, plain text for editors (default without a terminal), or a JSON object per event"},
			{Name: "clear", Value: settings.Choice(&o.Clear, session.ClearNever, session.ClearScreen, session.ClearAll), Alone: session.ClearScreen, Live: session.AppliesLater,
				Usage: "clear the terminal before showing a build result; all includes the scrollback"},
			{Name: "pty", Value: settings.Parsed(&o.PTY, "auto|always|never", o.PTY, parsePTY), Alone: term.PTYAlways,
				Usage: "run on a pseudo-terminal; auto: if hotstart does"},
			{Name: "stdin", Value: settings.Bool(&o.Stdin), Usage: "pass standard input to the program; no keyboard shortcuts"},
			{Name: "bell", Value: settings.Bool(&o.Bell), Live: session.AppliesLater, Usage: "ring the terminal bell when a reload fails and when it works again"},
			{Name: "notify", Value: settings.Bool(&o.Notify), Live: session.AppliesLater, Usage: "show desktop notifications in the same cases"},
		}},
		{Title: "Settings and control", Specs: []settings.Spec{
			{Name: "config", Value: settings.String(&config), FlagOnly: true,
				Usage: "read settings from `file` (off: none; default: hotstart.toml in this folder or above)"},
			{Name: "name", Value: settings.Parsed(&o.Control.Name, "name", "", parseName), Usage: "`name` for hotstart status and other commands (default: the folder)"},
			{Name: "control", Value: settings.String(&o.Control.Path), Usage: "`path` of the control socket (off: none; default: in a private folder)"},
		}},
		{Title: "Global flags", Specs: []settings.Spec{colorSpec()}},
	}
}

// parsePatterns parses a comma-separated list of patterns.
func parsePatterns(text string) (*watcher.Patterns, error) {
	return watcher.NewPatterns("/", rules.SplitPatterns(text), nil)
}

// parseBrowser checks the value of --browser.
func parseBrowser(text string) (string, error) {
	if text == session.BrowserAuto || text == session.BrowserOff {
		return text, nil
	}
	return settings.ParsePort(0)(text)
}

func parsePTY(text string) (string, error) {
	if text == term.PTYAlways && !term.HavePTY {
		return "", errors.New("always is not supported on this system")
	}
	return text, settings.OneOf(text, term.PTYAuto, term.PTYAlways, term.PTYNever)
}

// given returns what the command line sets. The arguments before a -- are the
// package, the arguments after it belong to the program.
func (f *watchFlags) given(cmd *cobra.Command, args []string) settings.Given {
	given := f.set.Given()
	packages := args
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		packages, given["args"] = args[:dash], args[dash:]
	}
	if len(packages) > 0 {
		given["package"] = packages
	}
	return given
}

// load fills the options of fresh flags, and returns where each setting was set.
func (f *watchFlags) load(l *settings.Loader) (settings.Sources, error) {
	sources, err := l.Load(f.set)
	if err != nil {
		return nil, err
	}
	f.options.Dir = l.Dir
	if sources["package"].Kind != settings.File {
		for i, p := range f.options.Builder.Packages {
			f.options.Builder.Packages[i] = relocate(p, l.Start, l.Dir)
		}
	}
	return sources, nil
}

// relocate returns the name in the folder to of a package or file that is named
// relative to the folder from.
func relocate(name, from, to string) string {
	local := name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") || strings.HasSuffix(name, ".go")
	rel, err := filepath.Rel(to, filepath.Join(from, name))
	if from == to || !local || err != nil {
		return name
	}
	if rel != "." && !strings.HasPrefix(rel, "../") {
		rel = "./" + rel
	}
	return rel
}
