package starter

import (
	"os"
	"runtime"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/sock"
	"golang.org/x/sys/unix"
)

// fork starts the program of a worker with every socket at its number.
func (s *Starter) fork(generation int, c *Command, base []string, broker int, env ...string) (*proc.Child, error) {
	l := sock.Arrange(c.stdio(), s.kept.Own, broker)
	defer runtime.KeepAlive(c)
	a := sock.Announcement{
		ServerStarter: s.options.speaks(DialectServerStarter),
		Systemd:       s.options.speaks(DialectSystemd) && s.options.CanReexec, // without LISTEN_PID, LISTEN_FDS would be wrong
	}
	if s.options.EnvMarker != "" {
		env = append(env, s.options.EnvMarker)
	}
	st := proc.Spec{
		Path: c.Path, Argv: c.Args, Dir: c.Dir,
		Env:             l.Environment(base, s.kept.Own, generation, a, env...),
		Files:           l.Files,
		KillDescendants: s.options.KillDescendants,
		CanReexec:       s.options.CanReexec,
		Guard:           s.guard,
	}
	if s.options.KillGroup {
		st.GroupSignals = []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, s.options.SignalOnHUP, s.options.SignalOnTerm}
	}
	return st.Start()
}

// prepare returns the start of a worker that runs c, as of now.
func (s *Starter) prepare(c *Command) Start {
	start := Start{Env: c.Env, AutoRestart: s.options.AutoRestart, KillOldDelay: s.options.KillOldDelay}
	if start.Env == nil {
		start.Env = os.Environ()
	}
	if s.options.BeforeStart != nil {
		if err := s.options.BeforeStart(&start); err != nil {
			s.trouble(err)
		}
	}
	return start
}

// stdio returns the worker's first three descriptors.
func (c *Command) stdio() [3]int {
	fds := [3]int{0, 1, 2}
	for i, f := range []*os.File{c.Stdin, c.Stdout, c.Stderr} {
		if f != nil {
			fds[i] = int(f.Fd())
		}
	}
	return fds
}

// closeFD closes a descriptor, or nothing if it is -1.
func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// DispatchReexec runs the helper that this process is, if a Starter has
// started it from its own executable, and then does not return. In every other
// process it does nothing. A program that sets Options.CanReexec or calls
// daemon.Detach must call it first in main.
func DispatchReexec() { proc.Dispatch() }
