// Package session builds, starts and reloads one program, from the first build
// until hotstart exits.
package session

import (
	"os"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// Options say what a session builds and runs, and how. DefaultOptions are the
// options of a command line without flags.
type Options struct {
	Dir  string   // absolute folder of the go command and the program; empty: the working directory
	Args []string // arguments of the program, without its name

	// Builder has the package and how to build it. The session sets the folders
	// and the environment.
	Builder builder.Options
	// Starter has the sockets, the readiness check and the timeouts. Unlike in
	// package starter, a ReadyTimeout of 0 is unlimited, and a ServeTimeout of 0 is
	// no time. SignalOnHUP is the signal of every stop. The session sets the times
	// that depend on StopTimeout, and what concerns its own folders and processes.
	Starter starter.Options

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

	Control control.Place // of the control socket, with the path control.Off for none; Dir is set by the session
	Version string        // of hotstart, for clients of the control socket

	Postpone bool // do not build or start anything until a file changes
	Exit     bool // exit when the program exits by itself

	Browser    string        // BrowserAuto, BrowserOff, or port of the server of the script that reloads pages, "0" for a free port
	BrowserLog bool          // report the errors of open pages
	Fresh      time.Duration // clients wait at most this long for newer code; 0: they do not
	Open       bool          // open the browser when the program first serves
	Clear      string        // ClearNever, ClearScreen or ClearAll
	PTY        string        // term.PTYAuto, term.PTYAlways or term.PTYNever
	Stdin      bool          // pass standard input to the program; no keyboard shortcuts
	Bell       bool          // ring the terminal bell when a reload fails and when it works again
	Notify     bool          // show desktop notifications in the same cases
}

// Values of Options.Browser. With BrowserAuto and with a port, an instrumented
// program adds the script to its pages; other pages include the script of a port.
const (
	BrowserAuto = "auto"
	BrowserOff  = "off"
)

// Values of Options.Clear: whether the terminal is cleared before a build
// result is shown.
const (
	ClearNever  = "never"
	ClearScreen = "screen"
	ClearAll    = "all" // the scrollback, too
)

// What a change of an option applies to while a session runs: a set of bits. An
// option that applies to nothing is fixed when the session starts. Every change
// replaces the watched files and the options, so that AppliesToFiles and
// AppliesLater only tell the reader of the documentation.
const (
	AppliesToBuild = 1 << iota // the builder: build again
	AppliesToStart             // the command of the program: start it again
	AppliesToRules             // the rules: run them again
	AppliesToFiles             // the watched files
	AppliesToTimes             // the timeouts of the starter
	AppliesLater               // the next time that the option is used
)

// maxCrashes is how often a program that crashes soon after it became ready is
// started again, before a change is needed.
const maxCrashes = 5

// DefaultOptions returns the options of a command line without flags. Its
// superdaemon outlives bad code, and no worker outlives the superdaemon.
func DefaultOptions() Options {
	return Options{
		Builder: builder.Options{Adopt: true, FastBuild: builder.FastBuildAuto},
		Starter: starter.Options{
			DualStack:        true,
			Ready:            starter.ReadyAuto,
			Interval:         time.Second,
			ReadyTimeout:     30 * time.Second,
			ServeTimeout:     10 * time.Second,
			Rollback:         10 * time.Second,
			Overlap:          starter.OverlapAuto,
			CutStreams:       true,
			SignalOnHUP:      syscall.SIGTERM,
			StopTimeout:      10 * time.Second,
			MaxStartFailures: 1,
			MaxCrashes:       maxCrashes,
			AllowExit:        true,
			KeepRunning:      true,
			CanReexec:        true,
			KillDescendants:  true,
		},
		Browser:    BrowserAuto,
		BrowserLog: true,
		Clear:      ClearNever,
		PTY:        term.PTYAuto,
	}
}

// unlimited outlasts any session.
const unlimited = 365 * 24 * time.Hour

// starterOptions returns the options of the superdaemon. marker is a NAME=VALUE
// pair in the environment of every process of the session, tempDir the folder of
// the binaries.
func (o Options) starterOptions(marker, tempDir string, report func(starter.Event)) starter.Options {
	s := o.Starter
	if s.ReadyTimeout == 0 {
		s.ReadyTimeout = -1 // unlimited
	}
	s.ServeTimeout = max(s.ServeTimeout, 1) // 0 is the default of starter
	// The rest of the time is for a program's own handling of the signal.
	s.DrainTimeout = s.StopTimeout * 4 / 5
	if s.DrainTimeout == 0 {
		s.DrainTimeout = unlimited
	}
	s.ReusePort = o.Builder.Adopt
	s.SignalOnTerm = s.SignalOnHUP
	s.EnvMarker, s.TempDir, s.Report = marker, tempDir, report
	return s
}

func (e *effects) builderOptions(o Options) builder.Options {
	b := o.Builder
	b.Dir, b.Output, b.Env, b.Progress = o.Dir, e.tempDir, append(os.Environ(), e.marker), e.onProgress
	if e.deltaDistrusted && b.FastBuild == builder.FastBuildAuto {
		b.FastBuild = builder.FastBuildWhole
	}
	return b
}
