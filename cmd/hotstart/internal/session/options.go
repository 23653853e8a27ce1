// Package session builds, starts and reloads one program, from the first build
// until hotstart exits.
package session

import (
	"syscall"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// Options say what a session builds and runs, and how. DefaultOptions are the
// options of a command line without flags.
type Options struct {
	// Welcome replaces the line about the first build; empty: the usual line.
	Welcome string

	Dir        string   // absolute folder of the go command and the program; empty: the working directory
	Packages   []string // package or files to build; empty: the builder finds the package
	Args       []string // arguments of the program, without its name
	BuildFlags []string // flags for go build
	Debug      bool     // keep debug information in the binary
	Direct     bool     // bypass the go command for builds known to produce the same binary
	Adopt      bool     // instrument the program

	Ports []string // TCP and UDP addresses that hotstart listens on, as starter.ParseAddress reads them
	Paths []string // unix sockets that hotstart listens on

	Watch    []string      // patterns of files that cause a build and a restart
	Restart  []string      // patterns of files that cause a restart without a build
	Refresh  []string      // patterns of files that only reload the open pages
	Ignore   []string      // patterns of files that cause nothing
	EnvFiles []string      // files with environment variables for the program and the commands
	Poll     time.Duration // check the files this often; 0: wait for file system events

	Rules      []rules.Rule // commands to run before the build when some files change
	Before     []string     // commands to run before each build
	AfterReady []string     // commands to run when a new worker is ready
	OnStop     []string     // commands to run after the last worker has stopped

	Ready        starter.Readiness
	Interval     time.Duration // run time after which a worker without other readiness signal is ready; more than 0
	ReadyTimeout time.Duration // maximum time until a new worker is ready; 0: unlimited
	ServeTimeout time.Duration // maximum time until a new worker serves every address of the old one
	Rollback     time.Duration // time after a takeover in which a crash starts the last good program again; 0: never
	Overlap      starter.Overlap
	StopSignal   syscall.Signal // asks a worker to stop
	StopTimeout  time.Duration  // maximum time from StopSignal until a worker is killed; 0: unlimited
	Postpone     bool           // do not build or start anything until a file changes
	Exit         bool           // exit when the program exits by itself

	Browser string // port of the server of the script that reloads pages, "0" for a free port; empty: no server
	Clear   string // ClearNever, ClearScreen or ClearAll
	PTY     string // term.PTYAuto, term.PTYAlways or term.PTYNever
	Stdin   bool   // pass standard input to the program; no keyboard shortcuts
	Bell    bool   // ring the terminal bell when a reload fails and when it works again
	Notify  bool   // show desktop notifications in the same cases
}

// Values of Options.Clear: whether the terminal is cleared before a build
// result is shown.
const (
	ClearNever  = "never"
	ClearScreen = "screen"
	ClearAll    = "all" // the scrollback, too
)

// What a change of an option applies to while a session runs: a set of bits. An
// option that applies to nothing is fixed when the session starts.
const (
	AppliesToBuild = 1 << iota // the builder: build again
	AppliesToStart             // the command of the program: start it again
	AppliesToRules             // the rules: run them again
	AppliesToFiles             // the watched files
	AppliesToTimes             // the timeouts of the starter
	AppliesLater               // the next time that the option is used
)

// DefaultOptions returns the options of a command line without flags.
func DefaultOptions() Options {
	return Options{
		Adopt:        true,
		Direct:       true,
		Ready:        starter.ReadyAuto,
		Interval:     time.Second,
		ReadyTimeout: 30 * time.Second,
		ServeTimeout: 10 * time.Second,
		Rollback:     10 * time.Second,
		Overlap:      starter.OverlapAuto,
		StopSignal:   syscall.SIGTERM,
		StopTimeout:  10 * time.Second,
		Clear:        ClearNever,
		PTY:          term.PTYAuto,
	}
}
