package starter

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/contend"
	"github.com/hotstart/hotstart/starter/internal/machine"
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/ready"
	"github.com/hotstart/hotstart/starter/internal/sock"
	"golang.org/x/sys/unix"
)

// DispatchReexec runs the exec stage or the guard if this process is one of them,
// and then does not return. A program that sets Options.CanReexec calls it first in
// main.
func DispatchReexec() { proc.Dispatch() }

// process is the process of a worker. Tests replace it.
type process interface {
	PID() int
	Signal(syscall.Signal) error
	Stop(syscall.Signal) error
	Wait() error
	Ended() bool
	Reap() syscall.WaitStatus
}

// running is a running worker. Each goroutine for it ends when what it reads from
// is closed, or with stopProbe.
type running struct {
	process
	broker     *net.UnixConn       // nil: there is none, or it is closed
	notify     *ready.NotifySocket // nil: there is none
	probeCtx   context.Context     // of the goroutines that find out whether the worker serves
	stopProbe  context.CancelFunc
	contention *contend.Observer // of the older workers; nil: there is none
	takesPaths bool              // it binds a path although something is there
}

// end releases a worker whose process has exited, and returns its exit status.
func (w *running) end() syscall.WaitStatus {
	w.stopProbe()
	if w.contention != nil {
		w.contention.Close()
	}
	w.closeSockets()
	return w.Reap()
}

func (w *running) closeSockets() {
	if w.broker != nil {
		w.broker.Close()
	}
	if w.notify != nil {
		w.notify.Close()
	}
}

// prepare returns the environment and the pace of a worker that starts now.
func (s *Starter) prepare(c *Command) Start {
	start := Start{Env: c.Env, AutoRestart: s.options.AutoRestart, KillOldDelay: s.options.KillOldDelay}
	if start.Env == nil {
		start.Env = os.Environ()
	}
	if s.options.BeforeStart != nil {
		if err := s.options.BeforeStart(&start); err != nil {
			s.warn(err)
		}
	}
	return start
}

// startWorker starts a worker with every socket, and listens to it.
func startWorker(s *Starter, generation int, c *Command, env []string) (w *running, err error) {
	w = &running{}
	defer func() {
		if err != nil {
			w.closeSockets()
		}
	}()
	var more []string
	if s.options.EnvMarker != "" {
		more = append(more, s.options.EnvMarker)
	}
	if s.machine.Ready.Notifies() {
		w.notify, err = ready.NewNotifySocket(ready.NotifyDirs(s.options.TempDir)...)
		switch {
		case err == nil:
			more = append(more, "NOTIFY_SOCKET="+w.notify.Path)
		case s.options.Ready == ReadyAuto:
			s.warn(err) // there are other ways
		default:
			return w, err
		}
	}
	broker := -1
	if s.options.speaks(DialectHotstart) {
		if w.broker, broker, err = proc.ConnPair(); err != nil {
			return w, fmt.Errorf("making the broker's socket pair: %w", err)
		}
		defer unix.Close(broker)
	}
	child, err := s.fork(generation, c, env, broker, more)
	if err != nil {
		return w, err
	}
	w.process = child
	w.probeCtx, w.stopProbe = context.WithCancel(context.Background())
	s.listen(w, generation)
	return w, nil
}

// fork starts the program of a worker with every socket at its number.
func (s *Starter) fork(generation int, c *Command, env []string, broker int, more []string) (*proc.Child, error) {
	fds := sock.Arrange(c.stdio(), s.kept.Own, broker)
	defer runtime.KeepAlive(c)                                         // its files
	systemd := s.options.speaks(DialectSystemd) && s.options.CanReexec // LISTEN_FDS needs LISTEN_PID
	spec := proc.Spec{
		Path: c.Path, Argv: c.Args, Dir: c.Dir,
		Env:             fds.Environment(env, s.kept.Own, generation, s.options.speaks(DialectServerStarter), systemd, more...),
		Files:           fds.Files,
		KillDescendants: s.options.KillDescendants,
		CanReexec:       s.options.CanReexec,
		Guard:           s.guard,
	}
	if s.options.KillGroup {
		spec.GroupSignals = []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, s.options.SignalOnHUP, s.options.SignalOnTerm}
	}
	return spec.Start()
}

// stdio returns the first three descriptors of the worker.
func (c *Command) stdio() [3]int {
	fds := [3]int{0, 1, 2}
	for i, f := range []*os.File{c.Stdin, c.Stdout, c.Stderr} {
		if f != nil {
			fds[i] = int(f.Fd())
		}
	}
	return fds
}

// listen starts a goroutine for each way in which a worker may become ready.
func (s *Starter) listen(w *running, generation int) {
	if w.broker != nil {
		go s.serveBroker(generation, w.broker)
	}
	if w.notify != nil {
		go w.notify.Listen(func() { s.postEvent(machine.SaidReady(generation)) })
	}
	older := s.pids()
	if p, _ := ready.ParseProbe(string(s.options.Ready)); p != nil {
		go func() {
			if p.Until(w.probeCtx, older) {
				s.postEvent(machine.Answered(generation))
			}
		}()
	}
	if s.machine.Ready.Looks() {
		look := s.look(w.PID())
		go ready.Watch(w.probeCtx, look, func(l ready.Look) {
			s.postEvent(machine.Sees{Worker: generation, Look: machine.Look(l)})
		})
	}
}

// look returns a function that looks at a starting worker and at the serving one.
func (s *Starter) look(pid int) func() ready.Look {
	serving, ok := s.machine.Serving()
	return func() (l ready.Look) {
		sockets := *s.streams.Load()
		if len(sockets) == 0 {
			return l
		}
		l = ready.Inspect(pid, sockets)
		if ok {
			l.Current = ready.Inspect(serving.PID, sockets).Waits
		}
		return l
	}
}
