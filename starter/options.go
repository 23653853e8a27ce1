package starter

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Options say what a Starter keeps and how it treats its workers. The zero
// value of a field is its default.
type Options struct {
	Ports     []string // [host:][u]port[=fd], see ParsePort
	Paths     []string // unix stream sockets
	Inherited []int    // listening sockets to use where a port or path means them, see ActivationSockets
	Backlog   int      // of listen(2); 0: SOMAXCONN
	DualStack bool     // a bare port is IPv6 and IPv4, not IPv4 alone

	// ReusePort lets workers bind the addresses of Ports although the kept sockets
	// are open, by SO_REUSEPORT. An adopted program does so before it asks the
	// broker for the kept socket. The option is set after listen(2), so that a
	// port that another process uses is still an error.
	ReusePort bool

	// Dialects are the ways in which workers receive their sockets:
	// DialectServerStarter, DialectSystemd, DialectHotstart. nil: all.
	Dialects []string

	SocketMode  os.FileMode // of each path; 0: 0777, as start_server has it
	SocketOwner string      // of each path: user, user:group or :group, by name or number; "": this process's

	Ready        Readiness     // "": ReadyInterval
	Interval     time.Duration // see ReadyInterval; also the least time between two starts that nobody asked for; 0: 1 s
	ReadyTimeout time.Duration // maximum time until a worker serves something; 0: 30 s; negative: unlimited. Not used by ReadyInterval

	// ServeTimeout is the maximum time from the first address that a new worker
	// serves until it serves every address of the current worker. Then it takes
	// over in any case; after the same time again, the sockets of addresses that
	// it does not serve are closed. 0: 10 s.
	ServeTimeout time.Duration

	// Rollback is the time after a takeover in which the death of the worker
	// undoes the reload: the last Command that served for longer is started
	// again. If a worker dies while KillOldDelay keeps the previous one running,
	// the previous one serves again in any case. 0: only then.
	Rollback time.Duration

	Overlap Overlap // whether an old worker and a new one may run at the same time; "": OverlapOn

	SignalOnHUP  syscall.Signal // to the old worker after a reload; 0: SIGTERM
	SignalOnTerm syscall.Signal // to every worker when SIGTERM ends all; 0: SIGTERM
	KillOldDelay time.Duration  // from "the new worker serves" to the old one's retirement
	DrainTimeout time.Duration  // maximum time that a worker on the broker drains before its signal, less than StopTimeout; 0: no drain
	CutStreams   bool           // when the Starter stops, draining workers do not wait for connections that only stream
	StopTimeout  time.Duration  // from the signal, or from the drain before it, to SIGKILL; 0: never

	AutoRestart time.Duration // time that a worker serves before it is replaced; twice as long while an older one runs; 0: unlimited
	MaxOld      int           // maximum number of old workers; when exceeded, the oldest is stopped; 0: unlimited

	MaxStartFailures int  // failed starts in a row before giving up; 0: never
	MaxCrashes       int  // workers in a row that served for less than ten seconds and died before giving up; 0: never
	AllowExit        bool // do not restart a worker that exits by itself with status 0
	MaxFirstFailures int  // MaxStartFailures until the first worker has served; 0: MaxStartFailures
	KeepRunning      bool // after giving up with no worker left, wait for the next Reload instead of ending

	// BeforeStart may change the environment of a worker before the worker is
	// started. It is called from the goroutine of Run. An error is reported as a
	// Warning, and the worker is started in any case. nil: no change.
	BeforeStart func(*Start) error

	// ReapOrphans reaps every process that becomes a child of this one, which pid 1
	// of a container must do. The program itself must wait for its children only
	// by their pid.
	ReapOrphans bool

	// CanReexec says that the main function of this program calls DispatchReexec first.
	// LISTEN_PID and LISTEN_FDS are passed to workers only then.
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
	Args []string // with the program's name first; nil: Path alone
	Dir  string   // "": this process's own
	Env  []string // nil: os.Environ, at each start

	// ExpectHello says that the program sends "hello" on the broker before it
	// accepts a connection, as an instrumented one does. With ReadyAuto, listening
	// sockets that the kernel shows before the hello do not make it ready.
	ExpectHello bool

	// LastOutput returns the last output of the program, in which OverlapAuto
	// looks for the resource that the program could not get. It is called from
	// the goroutine of Run. nil: the output is not known.
	LastOutput func() string

	// nil: this process's own. As with os/exec, what is given is put into
	// blocking mode, which programs expect of it.
	Stdin, Stdout, Stderr *os.File
}

// withDefaults fills in what zero stands for.
func (o Options) withDefaults() Options {
	set(&o.Backlog, maxBacklog)
	set(&o.SocketMode, 0o777)
	set(&o.Ready, ReadyInterval)
	set(&o.Interval, time.Second)
	set(&o.Overlap, OverlapOn)
	set(&o.ReadyTimeout, 30*time.Second)
	set(&o.ServeTimeout, 10*time.Second)
	set(&o.SignalOnHUP, syscall.SIGTERM)
	set(&o.SignalOnTerm, syscall.SIGTERM)
	if o.Report == nil {
		o.Report = func(Event) {}
	}
	if o.ReportWorkers == nil {
		o.ReportWorkers = func([]Worker) {}
	}
	return o
}

// ParseBacklog reads Options.Backlog as start_server does, in decimal.
func ParseBacklog(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of connections", s)
	}
	return int(n), nil
}

// maxBacklog is cut down by the kernel to what it allows, as SOMAXCONN of
// the headers, 128 in some, is not meant to be.
const maxBacklog = 1<<16 - 1

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// groupLook is how long the signal may take that ends this process, from the
// end of a worker in the same process group that got it too: the kernel gives
// a group's signal to one process after the other.
const groupLook = 100 * time.Millisecond

func (o Options) rules() rules {
	r := rules{
		ready:        o.Ready,
		interval:     o.Interval,
		readyTimeout: max(o.ReadyTimeout, 0),
		serveTimeout: o.ServeTimeout,
		linger:       max(o.ServeTimeout, o.Rollback),
		rollback:     o.Rollback,
		overlap:      o.Overlap,
		killOldDelay: o.KillOldDelay,
		drainTimeout: o.DrainTimeout,
		stopTimeout:  o.StopTimeout,
		maxFailures:  o.MaxStartFailures,
		maxDeaths:    o.MaxCrashes,
		letEnd:       o.AllowExit,
		maxFirst:     o.MaxFirstFailures,
		maxOld:       o.MaxOld,
		autoRestart:  o.AutoRestart,
		outlive:      o.KeepRunning,
		retire:       o.SignalOnHUP,
	}
	if o.Ready == ReadyInterval {
		r.readyTimeout = 0
	}
	if !o.KillDescendants && !o.KillGroup {
		r.look = groupLook
	}
	return r
}

// addresses reads every port and path.
func (o Options) addresses() ([]Address, error) {
	var all []Address
	pins := map[int]string{}
	given := map[string]bool{}
	for _, port := range o.Ports {
		a, err := ParsePort(port)
		if err != nil {
			return nil, err
		}
		if o.DualStack {
			a = a.DualStack()
		}
		if a.FD >= 0 {
			if earlier, taken := pins[a.FD]; taken {
				return nil, &FormatError{"port", port, fmt.Sprintf("descriptor %d is that of port %q", a.FD, earlier)}
			}
			pins[a.FD] = port
		}
		name := a.Network + " " + a.Key
		if given[name] && a.Port != 0 {
			return nil, &FormatError{"port", port, "given twice"}
		}
		given[name] = true
		all = append(all, a)
	}
	for _, path := range o.Paths {
		a, err := ParsePath(path)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (o Options) binding() (b binding, err error) {
	b = binding{backlog: o.Backlog, share: o.ReusePort, mode: o.SocketMode}
	b.uid, b.gid, err = ParseOwner(o.SocketOwner)
	return b, err
}

// Check finds what is wrong with the options themselves, without a look at
// the world. Errors are a *FormatError where they can be.
func (o Options) Check() error {
	_, err := o.addresses()
	return err
}
