package starter

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/sock"
)

// Options configure a Starter. The zero value of a field is its default.
type Options struct {
	Ports     []string // [host:][u]port[=fd], see ParsePort
	Paths     []string // of unix stream sockets, see ParsePath
	Inherited []int    // listening sockets to use for the ports and paths that they match, see ActivationSockets
	Backlog   int      // of listen(2); 0: the maximum
	DualStack bool     // a port without a host is IPv6 and IPv4, not IPv4 alone

	// ReusePort lets workers bind the addresses of Ports although the kept sockets
	// are open, by SO_REUSEPORT. An instrumented program does so before it asks the
	// broker for the kept socket. The option is set after listen(2), so that a
	// port that another process uses is still an error.
	ReusePort bool

	// Dialects are the ways to pass sockets to workers: DialectServerStarter,
	// DialectSystemd, DialectHotstart. nil: all.
	Dialects []string

	SocketMode  os.FileMode // of each path; 0: 0777, as with start_server
	SocketOwner string      // of each path: user, user:group or :group, by name or number; "": this process's

	Ready        Readiness     // "": ReadyInterval
	Interval     time.Duration // for ReadyInterval; also the minimum time between two starts without a Reload; 0: 1 s
	ReadyTimeout time.Duration // maximum time until a worker serves a first address; 0: 30 s; negative: unlimited. Not used by ReadyInterval

	// ServeTimeout is the maximum time from the first address that a new worker
	// serves until it serves every address of the current worker. Then it takes
	// over in any case; after the same time again, the sockets of addresses that
	// it does not serve are closed. 0: 10 s.
	ServeTimeout time.Duration

	// Rollback is the time after a takeover in which the exit of the worker undoes
	// the reload: the last Command that served for longer is started again. If a
	// worker exits while KillOldDelay keeps the previous one running, the previous
	// one serves again in any case. 0: only then.
	Rollback time.Duration

	Overlap Overlap // whether an old worker and a new one may run at the same time; "": OverlapOn

	SignalOnHUP  syscall.Signal // for the old worker after a reload; 0: SIGTERM
	SignalOnTerm syscall.Signal // for every worker at SIGTERM; 0: SIGTERM
	KillOldDelay time.Duration  // from the takeover of a new worker to the retirement of the old one
	DrainTimeout time.Duration  // maximum time that a worker on the broker drains before its signal, less than StopTimeout; 0: no drain
	CutStreams   bool           // when the Starter stops, draining workers do not wait for connections that only stream
	StopTimeout  time.Duration  // from the signal, or from the drain before it, to SIGKILL; 0: unlimited

	AutoRestart time.Duration // time that a worker serves before it is replaced; twice as long while an older one runs; 0: unlimited
	MaxOld      int           // maximum number of old workers; when exceeded, the oldest is stopped; 0: unlimited

	MaxStartFailures int  // failed starts in a row before giving up; 0: unlimited
	MaxCrashes       int  // workers in a row that crash within ten seconds before giving up; 0: unlimited
	AllowExit        bool // do not restart a worker that exits by itself with status 0
	MaxFirstFailures int  // MaxStartFailures until a first worker has served; 0: MaxStartFailures
	KeepRunning      bool // after giving up with no worker left, Run waits for the next Reload instead of returning

	// BeforeStart may change the environment of a worker before the worker is
	// started. It is called from the goroutine of Run. An error is reported as a
	// Warning, and the worker is started in any case. nil: no change.
	BeforeStart func(*Start) error

	// ReapOrphans reaps every process that becomes a child of this one, as pid 1 of
	// a container must. The program must wait for its own children by their pid
	// only.
	ReapOrphans bool

	// CanReexec says that the program calls DispatchReexec first in main. Only then
	// LISTEN_PID and LISTEN_FDS are passed to workers.
	CanReexec bool

	// KillDescendants ends the workers when this process ends, for any reason,
	// and with each worker its process group, which is its own. Needs CanReexec.
	// Unless KillGroup is set, this process becomes a child subreaper, and when
	// Run returns, the remaining descendants of workers are killed too: children
	// of this process in other process groups, and every process with EnvMarker.
	KillDescendants bool

	// KillGroup gives each worker its own process group. Stop signals go to the
	// group, and the worker counts as exited when the last process of the group
	// has exited. If a worker exits by itself, the rest of its group is killed.
	KillGroup bool

	// EnvMarker is an environment variable, NAME=VALUE, that only the workers of
	// this Starter have. It identifies their processes after the parent has
	// exited. "": none.
	EnvMarker string

	// TempDir is a folder that only this Starter uses. It is removed when this
	// process ends, for any reason. Needs KillDescendants. "": none.
	TempDir string

	// Report receives all events. It is called from the goroutine of Run, which
	// waits for it. nil: events are dropped.
	Report func(Event)

	// ReportWorkers receives the running workers that are or were current, oldest
	// first, each time that this list changes, before Report receives the events
	// of the change. It is called from the goroutine of Run, which waits for it.
	// nil: the lists are dropped.
	ReportWorkers func([]Worker)
}

// A Start is the start of a worker, for Options.BeforeStart.
type Start struct {
	Env []string // environment of the worker; at first Command.Env or, if that is nil, os.Environ

	// AutoRestart and KillOldDelay replace the options of these names until the
	// next start. At first they are the options.
	AutoRestart, KillOldDelay time.Duration
}

// A Command is a program to run as a worker.
type Command struct {
	Path string   // of the executable
	Args []string // with the name of the program first; nil: Path alone
	Dir  string   // working directory; "": that of this process
	Env  []string // nil: os.Environ at each start

	// ExpectHello says that the program sends "hello" on the broker before it
	// accepts a connection, as an instrumented one does. With ReadyAuto, listening
	// sockets that the kernel shows before the hello do not make it ready.
	ExpectHello bool

	// LastOutput returns the last output of the program, in which OverlapAuto
	// looks for the resource that the program could not get. It is called from
	// the goroutine of Run. nil: the output is not known.
	LastOutput func() string

	// nil: those of this process. As with os/exec, the files are put into blocking
	// mode, which programs expect.
	Stdin, Stdout, Stderr *os.File
}

// withDefaults replaces zero values by their defaults.
func (o Options) withDefaults() Options {
	o.Backlog = cmp.Or(o.Backlog, sock.MaxBacklog)
	o.SocketMode = cmp.Or(o.SocketMode, 0o777)
	o.Ready = cmp.Or(o.Ready, ReadyInterval)
	o.Interval = cmp.Or(o.Interval, time.Second)
	o.Overlap = cmp.Or(o.Overlap, OverlapOn)
	o.ReadyTimeout = cmp.Or(o.ReadyTimeout, 30*time.Second)
	o.ServeTimeout = cmp.Or(o.ServeTimeout, 10*time.Second)
	o.SignalOnHUP = cmp.Or(o.SignalOnHUP, syscall.SIGTERM)
	o.SignalOnTerm = cmp.Or(o.SignalOnTerm, syscall.SIGTERM)
	if o.Report == nil {
		o.Report = func(Event) {}
	}
	if o.ReportWorkers == nil {
		o.ReportWorkers = func([]Worker) {}
	}
	return o
}

// groupLook is the time from the exit of a worker by a signal to its process
// group until the same signal reaches this process: the kernel signals one
// process after the other.
const groupLook = 100 * time.Millisecond

func (o Options) rules() machine.Rules {
	r := machine.Rules{
		Timeouts: machine.Timeouts{
			ReadyTimeout: max(o.ReadyTimeout, 0),
			ServeTimeout: o.ServeTimeout,
			Linger:       max(o.ServeTimeout, o.Rollback),
			Rollback:     o.Rollback,
			DrainTimeout: o.DrainTimeout,
			StopTimeout:  o.StopTimeout,
		},
		Ready:        machine.Readiness(o.Ready),
		Overlap:      machine.Overlap(o.Overlap),
		Interval:     o.Interval,
		KillOldDelay: o.KillOldDelay,
		MaxFailures:  o.MaxStartFailures,
		MaxFirst:     o.MaxFirstFailures,
		MaxCrashes:   o.MaxCrashes,
		AllowExit:    o.AllowExit,
		MaxOld:       o.MaxOld,
		AutoRestart:  o.AutoRestart,
		KeepRunning:  o.KeepRunning,
		RetireSignal: o.SignalOnHUP,
	}
	if o.Ready == ReadyInterval {
		r.ReadyTimeout = 0
	}
	if !o.KillDescendants && !o.KillGroup {
		r.RestartDelay = groupLook
	}
	return r
}

// addresses parses every port and path.
func (o Options) addresses() ([]Address, error) {
	return sock.ParseAll(o.Ports, o.Paths, o.DualStack)
}

func (o Options) binding() (b sock.Binding, err error) {
	b = sock.Binding{Backlog: o.Backlog, ReusePort: o.ReusePort, Mode: o.SocketMode}
	b.UID, b.GID, err = sock.ParseOwner(o.SocketOwner)
	return b, err
}

// Check returns the error that New returns for an invalid port or path, without
// opening anything. It is a *FormatError.
func (o Options) Check() error {
	_, err := o.addresses()
	return err
}

// Overlap says whether an old worker and a new one may run at the same time.
type Overlap string

const (
	// OverlapOn starts the new worker while the old one serves.
	OverlapOn Overlap = "on"
	// OverlapOff stops the old worker before the new one is started, for programs
	// that can run only once. Connections to kept sockets wait in between. If the
	// new worker fails, the previous command is started again.
	OverlapOff Overlap = "off"
	// OverlapAuto is OverlapOn until a new worker fails or hangs because of a
	// resource that the old one holds, and OverlapOff from then on.
	OverlapAuto Overlap = "auto"
)

// ParseOverlap parses an Overlap.
func ParseOverlap(s string) (Overlap, error) {
	switch o := Overlap(s); o {
	case OverlapOn, OverlapOff, OverlapAuto:
		return o, nil
	}
	return "", fmt.Errorf("%q is invalid; want auto, on or off", s)
}

// The ways in which a worker receives its sockets.
const (
	DialectServerStarter = "server-starter" // SERVER_STARTER_PORT, of Perl's Server::Starter
	DialectSystemd       = "systemd"        // LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID, of sd_listen_fds(3)
	DialectHotstart      = "hotstart"       // HOTSTART_FD, of starter/worker
)

// Dialects lists all dialects.
func Dialects() []string { return []string{DialectServerStarter, DialectSystemd, DialectHotstart} }

// ParseDialects parses a list of dialects that are separated by commas.
func ParseDialects(s string) ([]string, error) {
	var all []string
	for name := range strings.SplitSeq(s, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(Dialects(), name) {
			return nil, fmt.Errorf("unknown dialect %q; want one or more of %s", name, strings.Join(Dialects(), ","))
		}
		all = append(all, name)
	}
	return all, nil
}

// speaks reports whether workers receive their sockets in a dialect.
func (o Options) speaks(dialect string) bool {
	return o.Dialects == nil || slices.Contains(o.Dialects, dialect)
}
