package starter

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// fork starts the program of a worker with every socket at its number, by
// raw descriptors: see socket for why no os.File has to do with it.
func (s *Starter) fork(generation int, c *Command, broker int, env ...string) (*child, error) {
	l := arrange(c.stdio(), s.ledger.own, broker)
	defer runtime.KeepAlive(c)
	if !s.options.Helper || !s.options.speaks(DialectSystemd) {
		l.contiguous = 0 // LISTEN_FDS without LISTEN_PID would be a lie
	}
	l.portless = !s.options.speaks(DialectServerStarter)
	base := s.variables(c)
	if s.options.Mark != "" {
		env = append(env, s.options.Mark)
	}
	w, err := s.exec(l.files, c, &syscall.ProcAttr{
		Dir: c.Dir,
		Env: l.environment(base, s.ledger.own, generation, env...),
		Sys: attributes(s.options.Leash, s.options.KillGroup),
	})
	if err != nil {
		if _, missing := os.Stat(c.Dir); c.Dir != "" && missing != nil {
			// Or it would seem to be the program that is.
			return nil, fmt.Errorf("starting %s in %s: %w", c.Path, c.Dir, errors.Unwrap(missing))
		}
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	if w.guard = s.guard; w.guard != nil {
		w.guard.watch(w.pid)
	}
	return w, nil
}

// variables are those of a worker of c, as of now. The folder that they come
// from may change how old workers are treated, too.
func (s *Starter) variables(c *Command) []string {
	base := c.Env
	if base == nil {
		base = os.Environ()
	}
	env, err := s.envDir.over(base)
	autoRestart, killOldDelay, err2 := s.envDir.pace(s.options, env)
	if err = errors.Join(err, err2); err != nil {
		s.trouble(err)
	}
	s.machine.autoRestart, s.machine.killOldDelay = autoRestart, killOldDelay
	return env
}

// exec forks and executes the program, through the exec stage if this
// program has one.
func (s *Starter) exec(files []int, c *Command, attr *syscall.ProcAttr) (*child, error) {
	w := &child{path: c.Path, dir: c.Dir, leash: s.options.Leash, report: -1}
	if s.options.KillGroup {
		w.ends = []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, s.options.SignalOnHUP, s.options.SignalOnTerm}
	}
	path, argv := c.Path, c.Args
	if len(argv) == 0 {
		argv = []string{path}
	}
	if s.options.Helper {
		stage, err := self()
		if err != nil {
			return nil, err
		}
		read, write, err := newPipe()
		if err != nil {
			return nil, err
		}
		defer unix.Close(write)
		w.report = read
		argv = append([]string{execName, strconv.Itoa(len(files)), c.Dir, path}, argv...)
		attr.Dir = ""
		path, files = stage, append(files, write)
	}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		closeFD(w.report)
		return nil, err
	}
	w.pid = pid
	return w, nil
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
