package machine

import (
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session/change"
	"github.com/hotstart/hotstart/starter"
)

// Event is an input of the machine: one of the types below.
type Event any

// Action is an output of the machine, performed by effects: one of the types below.
type Action any

// Events about the session.
type (
	// Began starts the session.
	Began struct {
		Package   string // package that is built
		Postpone  bool   // wait for the first change
		Keys      bool   // keyboard shortcuts are on
		ScriptURL string // of the server for open pages; "": there is none
	}

	// Tick says that the time of machine.next has come.
	Tick struct{}

	// Reconfigured applies a changed settings file.
	Reconfigured struct {
		Policy
		File             string   // name of the settings file
		Applied, Pending []string // names of changed settings; pending ones need a restart of hotstart
		NewBuilder       bool     // build with the new settings
		NewStart         bool     // start the program again
		NewRules         bool     // replace the rules and run them
		Rules            rules.Engine
		Read             time.Time // when the settings were read
	}

	// SettingsInvalid reports a settings file that can't be applied.
	SettingsInvalid struct {
		Err  error
		Read time.Time
	}

	// KeyPressed is a keyboard shortcut.
	KeyPressed struct{ Key byte }

	// Signaled is a signal to hotstart.
	Signaled struct{ Signal syscall.Signal }

	// Disconnected says that the terminal, or the reader of stderr, is gone.
	Disconnected struct{}

	// Failed is an error that ends the session.
	Failed struct{ Err error }
)

// Events about files and builds.
type (
	// Changed is a batch of files that changed.
	Changed struct {
		Files []change.File
		Since time.Time // when the first of them changed
	}

	// Inspected answers inspect.
	Inspected struct{ Files []change.File }

	// Listed is a list of the files that a build reads.
	Listed struct {
		Builder int       // number of the builder that made the list
		Began   time.Time // start of the list
		Graph   *builder.Graph
		Missing []string // files that the program needs and that do not exist
		Err     error
	}

	// GraphOutdated answers compareGraph: the list of files that a build
	// reads is to be made again.
	GraphOutdated struct{ Since time.Time }

	// Progressed is how far the build under way has come.
	Progressed struct{ builder.Progress }

	// Built is the result of a build.
	Built struct {
		Seq             int
		Began           time.Time
		Binary          *builder.Binary
		Err             error
		InvalidCommand  bool   // err is about the command line
		Instrumentation string // "package net/http"; "": none
		InstrumentErr   error  // why the program is not instrumented
	}

	// Checked is the result of a check: what the go command builds where the fast build
	// made another binary. Without a difference, binary and err are nil.
	Checked struct {
		Built
		Verified *builder.Binary // that was compared, and is the same; nil: it differs, or was not compared
	}

	// Relinked is the result of Relink. Binary is nil if the link failed or is outdated.
	Relinked struct{ Binary *builder.Binary }

	// Removed answers awaitRemoval.
	Removed struct{}

	// RuleDone is the result of runRule.
	RuleDone struct {
		Err      error
		Output   string // end of the output of a command that failed
		At       time.Time
		Modified map[string]time.Time // modification times of the input files
	}
)

// Events about the program.
type (
	// Started answers start.
	Started struct {
		Program *Program
		Command *starter.Command
	}

	// EnvInvalid answers start, too: the environment of the program can't be
	// read.
	EnvInvalid struct {
		Program *Program
		Err     error
	}

	// WorkerEvent is an event of the starter.
	WorkerEvent struct {
		starter.Event
		Exit report.Exit // of a worker that ended by itself
	}

	// Suspended is a worker that was stopped by a signal such as SIGTTIN.
	Suspended struct{ Worker starter.Worker }

	// AfterReadyDone is the end of one command of --after-ready.
	AfterReadyDone struct {
		Line string
		Err  error
	}
)

// Actions about files and builds.
type (
	StartBuild    struct{ Seq int } // ends in built, unless cancelBuild comes first
	CancelBuild   struct{}
	StartCheck    struct{ Build Built }     // builds a binary of the fast build again with the go command; ends in checked
	Relink        struct{ *Program }        // links the program again with the ordinary linker; ends in relinked
	DistrustDelta struct{ Reason string }   // ends links by delta; more lines of the reason are for a report of the fault
	AwaitRemoval  struct{ Files []string }  // ends in removed when no file is left
	CancelCheck   struct{}                  // ends startCheck and awaitRemoval
	Discard       struct{ *builder.Binary } // removes a binary that no worker needs
	List          struct {                  // lists what a build reads; ends in listed
		Builder int
		Since   time.Time
	}
	Inspect    struct{ Paths []string }    // answered by inspected
	RunRule    struct{ Rule *rules.State } // ends in ruleDone
	CancelRule struct{}                    // ends the rule that runs
	WatchFiles struct {                    // watches what a build reads and what the user named
		Graph *builder.Graph // nil: not known yet
		Since time.Time      // a new file that is not older counts as changed
	}
	CompareGraph struct { // answered by graphOutdated if a change of the files makes the graph invalid
		Graph *builder.Graph // nil: not known yet
		Files []string
		Since time.Time
	}
)

// Actions about the program.
type (
	Start struct { // answered by started or envInvalid
		*Program
		Input bool // pass standard input to its worker before it serves
	}
	CloseStreams struct{ *Program } // no worker is started from the program again
	SendInput    struct{ *Program } // passes standard input to the program's worker
	RunAfter     struct {           // ends the commands of --after-ready and runs them for another worker; afterReadyDone for each
		Worker starter.Worker
		URL    string
	}
	Stop        struct{ Suspended []starter.Worker } // ends runAfter and the workers; a second time kills them
	SetFallback struct{ Page report.Event }          // answers connections while no worker runs; nil: they wait
	Hold        struct {                             // lets clients of these workers wait for a newer one, and no others
		Limit   time.Duration // for which a client waits at most
		Workers []starter.Worker
	}
)

// Actions about the user.
type (
	Tell        struct{ report.Event }
	ClearScreen struct{ AfterBuild bool } // false: the user pressed a key
	NewLine     struct{}
	OpenBrowser struct{ URL string }
)
