package session

import (
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/report"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/rules"
	"github.com/hotstart/hotstart/starter"
)

// event is an input of the machine.
type event interface{ isEvent() }

// action is an output of the machine, performed by effects.
type action interface{ isAction() }

// Events about the session.
type (
	// began starts the session.
	began struct {
		welcome   string // line before the first build; "": none
		pkg       string // package that is built
		postpone  bool   // wait for the first change
		keys      bool   // keyboard shortcuts are on
		scriptURL string // of the server for open pages; "": there is none
	}

	// tick says that the time of machine.next has come.
	tick struct{}

	// reconfigured applies a changed settings file.
	reconfigured struct {
		policy
		file             string   // name of the settings file
		applied, pending []string // names of changed settings; pending ones need a restart of hotstart
		newBuilder       bool     // build with the new settings
		newStart         bool     // start the program again
		newRules         bool     // replace the rules and run them
		rules            rules.Engine
		read             time.Time // when the settings were read
	}

	// settingsInvalid reports a settings file that can't be applied.
	settingsInvalid struct {
		err  error
		read time.Time
	}

	// keyPressed is a keyboard shortcut.
	keyPressed struct{ key byte }

	// signaled is a signal to hotstart.
	signaled struct{ signal syscall.Signal }

	// disconnected says that the terminal, or the reader of stderr, is gone.
	disconnected struct{}

	// failed is an error that ends the session.
	failed struct{ err error }
)

// Events about files and builds.
type (
	// changed is a batch of files that changed.
	changed struct {
		files []file
		since time.Time // when the first of them changed
	}

	// inspected answers inspect.
	inspected struct{ files []file }

	// listed is a list of the files that a build reads.
	listed struct {
		builder int       // number of the builder that made the list
		began   time.Time // start of the list
		graph   *builder.Graph
		missing []string // files that the program needs and that do not exist
		err     error
	}

	// graphOutdated answers compareGraph: the list of files that a build
	// reads is to be made again.
	graphOutdated struct{ since time.Time }

	// progressed is how far the build under way has come.
	progressed struct{ builder.Progress }

	// built is the result of a build.
	built struct {
		seq             int
		began           time.Time
		binary          *builder.Binary
		err             error
		invalidCommand  bool   // err is about the command line
		instrumentation string // "package net/http"; "": none
		instrumentErr   error  // why the program is not instrumented
	}

	// checked is the result of a check: what the go command builds where the
	// fast build made another binary. Without a difference, binary and err
	// are nil.
	checked struct{ built }

	// removed answers awaitRemoval.
	removed struct{}

	// ruleDone is the result of runRule.
	ruleDone struct {
		err      error
		at       time.Time
		modified map[string]time.Time // modification times of the input files
	}
)

// Events about the program.
type (
	// started answers start.
	started struct {
		program *program
		command *starter.Command
	}

	// envInvalid answers start, too: the environment of the program can't be
	// read.
	envInvalid struct {
		program *program
		err     error
	}

	// workerEvent is an event of the starter.
	workerEvent struct {
		starter.Event
		exit report.Exit // of a worker that ended by itself
	}

	// suspended is a worker that was stopped by a signal such as SIGTTIN.
	suspended struct{ worker starter.Worker }

	// afterReadyDone is the end of one command of --after-ready.
	afterReadyDone struct {
		line string
		err  error
	}
)

func (began) isEvent()           {}
func (tick) isEvent()            {}
func (reconfigured) isEvent()    {}
func (settingsInvalid) isEvent() {}
func (keyPressed) isEvent()      {}
func (signaled) isEvent()        {}
func (disconnected) isEvent()    {}
func (failed) isEvent()          {}
func (changed) isEvent()         {}
func (inspected) isEvent()       {}
func (listed) isEvent()          {}
func (graphOutdated) isEvent()   {}
func (progressed) isEvent()      {}
func (built) isEvent()           {}
func (checked) isEvent()         {}
func (removed) isEvent()         {}
func (ruleDone) isEvent()        {}
func (started) isEvent()         {}
func (envInvalid) isEvent()      {}
func (workerEvent) isEvent()     {}
func (suspended) isEvent()       {}
func (afterReadyDone) isEvent()  {}

// Actions about files and builds.
type (
	startBuild   struct{ seq int } // ends in built, unless cancelBuild comes first
	cancelBuild  struct{}
	startCheck   struct{ of built }        // builds a binary of the fast build again with the go command; ends in checked
	awaitRemoval struct{ files []string }  // ends in removed when no file is left
	cancelCheck  struct{}                  // ends startCheck and awaitRemoval
	discard      struct{ *builder.Binary } // removes a binary that no worker needs
	list         struct {                  // lists what a build reads; ends in listed
		builder int
		since   time.Time
	}
	inspect    struct{ paths []string }    // answered by inspected
	runRule    struct{ rule *rules.State } // ends in ruleDone
	cancelRule struct{}                    // ends the rule that runs
	watchFiles struct {                    // watches what a build reads and what the user named
		graph *builder.Graph // nil: not known yet
		since time.Time      // a new file that is not older counts as changed
	}
	compareGraph struct { // answered by graphOutdated if a change of the files makes the graph invalid
		graph *builder.Graph // nil: not known yet
		files []string
		since time.Time
	}
)

// Actions about the program.
type (
	start struct { // answered by started or envInvalid
		*program
		input bool // pass standard input to its worker before it serves
	}
	closeStreams struct{ *program } // no worker is started from the program again
	sendInput    struct{ *program } // passes standard input to the program's worker
	runAfter     struct {           // ends the commands of --after-ready and runs them for another worker; afterReadyDone for each
		worker starter.Worker
		url    string
	}
	stop        struct{ suspended []starter.Worker } // ends runAfter and the workers; a second time kills them
	setFallback struct{ page report.Failure }        // answers connections while no worker runs; nil: they wait
)

// Actions about the user.
type (
	tell        struct{ report.Event }
	clearScreen struct{ afterBuild bool } // false: the user pressed a key
	newLine     struct{}
	openBrowser struct{ url string }
)

func (startBuild) isAction()   {}
func (cancelBuild) isAction()  {}
func (startCheck) isAction()   {}
func (awaitRemoval) isAction() {}
func (cancelCheck) isAction()  {}
func (discard) isAction()      {}
func (list) isAction()         {}
func (inspect) isAction()      {}
func (runRule) isAction()      {}
func (cancelRule) isAction()   {}
func (watchFiles) isAction()   {}
func (compareGraph) isAction() {}
func (start) isAction()        {}
func (closeStreams) isAction() {}
func (sendInput) isAction()    {}
func (runAfter) isAction()     {}
func (stop) isAction()         {}
func (setFallback) isAction()  {}
func (tell) isAction()         {}
func (clearScreen) isAction()  {}
func (newLine) isAction()      {}
func (openBrowser) isAction()  {}
