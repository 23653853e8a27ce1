package starter

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// Options say what a Starter keeps and how it treats its workers. The zero
// value of a field is its default.
type Options struct {
	Ports     []string // [host:][u]port[=fd], see ParsePort
	Paths     []string // unix stream sockets
	Backlog   int      // of listen(2); 0: SOMAXCONN
	DualStack bool     // a bare port is IPv6 and IPv4, not IPv4 alone

	// Share lets workers bind the addresses of Ports beside the kept sockets,
	// by SO_REUSEPORT, as an adopted program does before it asks the broker
	// for the kept one. It is set after listen(2), so that a port that
	// another process has is still an error.
	Share bool

	Ready        Readiness     // "": ReadyInterval
	Interval     time.Duration // see ReadyInterval; also the least time between two starts that nobody asked for; 0: 1 s
	ReadyTimeout time.Duration // a start that takes longer has failed; 0: 30 s; negative: never. ReadyInterval has none

	SignalOnHUP  syscall.Signal // to the old worker after a reload; 0: SIGTERM
	SignalOnTerm syscall.Signal // to every worker when SIGTERM ends all; 0: SIGTERM
	KillOldDelay time.Duration  // from "the new worker serves" to the old one's retirement
	DrainTimeout time.Duration  // how long a worker on the broker may drain before its signal, less than StopTimeout; 0: it gets the signal at once
	StopTimeout  time.Duration  // from the signal, or from the drain before it, to SIGKILL; 0: never

	MaxStartFailures int  // failed starts in a row before giving up; 0: never
	MaxDeaths        int  // workers in a row that served for less than ten seconds and died before giving up; 0: never
	LetEnd           bool // a worker that ends by itself with status 0 has done its work: no other is started
	Outlive          bool // after giving up with no worker left, wait for the next Reload instead of ending

	// Helper says that this program's main calls Helper first. Only then
	// LISTEN_PID can be told to workers, and so LISTEN_FDS too.
	Helper bool

	// Leash ends workers with this process, however it ends, and with each
	// worker its process group, which is its own. This process becomes a
	// child subreaper, and when Run returns, what workers have left behind is
	// ended too: children of this process in other process groups, and what
	// carries Mark. Needs Helper.
	Leash bool

	// Mark is a variable, NAME=VALUE, that each worker gets and that is this
	// Starter's alone: processes are known by it once their parent is gone.
	Mark string

	// Scratch is a folder of this Starter's alone, removed in the end, however
	// that comes. Needs Leash. "": none.
	Scratch string

	// Report is told what happens, from the goroutine of Run, which waits
	// for it. nil: nobody is.
	Report func(Event)
}

// A Command is a program to run as a worker.
type Command struct {
	Path string   // of the executable
	Args []string // with the program's name first; nil: Path alone
	Dir  string   // "": this process's own
	Env  []string // nil: os.Environ, at each start

	// nil: this process's own. As with os/exec, what is given is put into
	// blocking mode, which programs expect of it.
	Stdin, Stdout, Stderr *os.File
}

// withDefaults fills in what zero stands for.
func (o Options) withDefaults() Options {
	set(&o.Backlog, maxBacklog)
	set(&o.Ready, ReadyInterval)
	set(&o.Interval, time.Second)
	set(&o.ReadyTimeout, 30*time.Second)
	set(&o.SignalOnHUP, syscall.SIGTERM)
	set(&o.SignalOnTerm, syscall.SIGTERM)
	if o.Report == nil {
		o.Report = func(Event) {}
	}
	return o
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

func (o Options) rules() rules {
	r := rules{
		interval:     o.Interval,
		readyTimeout: max(o.ReadyTimeout, 0),
		killOldDelay: o.KillOldDelay,
		drainTimeout: o.DrainTimeout,
		stopTimeout:  o.StopTimeout,
		maxFailures:  o.MaxStartFailures,
		maxDeaths:    o.MaxDeaths,
		letEnd:       o.LetEnd,
		outlive:      o.Outlive,
		retire:       o.SignalOnHUP,
	}
	if o.Ready == ReadyInterval {
		r.readyTimeout = 0
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
