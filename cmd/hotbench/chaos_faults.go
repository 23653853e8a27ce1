package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A fault is one thing that goes wrong. What it returns puts it right, if
// the next good edit does not.
type fault struct {
	name string
	do   func(c *chaos) (mend func() error, err error)
}

// faults are all that chaos knows. Steps of the system's clock are not among
// them: they would be every program's on the machine.
var faults = []fault{
	{"SIGHUP", func(c *chaos) (func() error, error) { return nil, c.session.cmd.Process.Signal(syscall.SIGHUP) }},
	{"good edit", saving("good", "")},
	{"syntax error", saving("good", "\nfunc {")},
	{"type error", saving("good", "\nvar x int = text\n")},
	{"panic at start", saving("panic", "")},
	{"exit at start", saving("exit", "")},
	{"hang at start", saving("hang", "")},
	{"ignores SIGTERM", saving("deaf", "")},
	{"child keeps the socket", saving("fork", "")},
	{"closes its listener", saving("close", "")},
	{"shuts its listener down", shutDown},
	{"kill -9 a worker", killWorker},
	{"stop a worker for a while", stopWorker},
	{"kill the go command", killGo},
	{"no room for binaries", fillDisk},
	{"clock of a file steps back", oldFile},
	{"event queue overflows", overflow},
	{"project renamed", renameProject},
	{"source unreadable", unreadable},
	{"source removed", removeSource},
}

func chooseFaults(names string) ([]fault, error) {
	if names == "" {
		return faults, nil
	}
	var chosen []fault
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
		chosen = append(chosen, faults[i])
	}
	return chosen, nil
}

func saving(behaviour, code string) func(c *chaos) (func() error, error) {
	return func(c *chaos) (func() error, error) { return nil, c.save(behaviour, code) }
}

// shutDown has a worker take the socket away from all. Until good code is
// served, it does so again as often as it is started.
func shutDown(c *chaos) (func() error, error) {
	c.clients.open("a worker shuts the socket down")
	return nil, c.save("shutdown", "")
}

// killWorker ends what the worker was about to answer. Who connects later
// has to wait, and no more: hotstart has the socket.
func killWorker(c *chaos) (func() error, error) {
	workers := c.workers()
	if len(workers) == 0 {
		return nil, nil
	}
	c.clients.open("a worker is killed")
	defer c.clients.close()
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	return nil, nil
}

func stopWorker(c *chaos) (func() error, error) {
	workers := c.workers()
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	return func() error {
		for _, pid := range workers {
			syscall.Kill(pid, syscall.SIGCONT) // it may be gone by now
		}
		return nil
	}, nil
}

// killGo kills the go command that an edit has started, if it is still there.
func killGo(c *chaos) (func() error, error) {
	if err := c.save("good", ""); err != nil {
		return nil, err
	}
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, pid := range descendants(c.session.cmd.Process.Pid) {
			if commandOf(pid) == "go" {
				return nil, ignoreGone(syscall.Kill(pid, syscall.SIGKILL))
			}
		}
	}
	return nil, nil
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// fillDisk leaves no room where the binaries go.
func fillDisk(c *chaos) (func() error, error) {
	tmp := c.project.dir + "-tmp"
	if !isMounted(tmp) {
		return nil, nil
	}
	name := filepath.Join(tmp, "filler")
	f, err := os.Create(name)
	if err != nil {
		return nil, nil // it is full already
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); ; {
		if _, err := f.Write(chunk); err != nil {
			break
		}
	}
	return func() error { return ignoreMissing(os.Remove(name)) }, c.save("good", "")
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// oldFile saves code that is older than all before it, as a file has it that
// came out of an archive, or was written before the clock was set.
func oldFile(c *chaos) (func() error, error) {
	if err := c.save("good", ""); err != nil {
		return nil, err
	}
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	return nil, ignoreMissing(os.Chtimes(filepath.Join(c.project.dir, "main.go"), old, old))
}

// overflow makes more events than the kernel keeps for a hotstart that does
// not read them.
func overflow(c *chaos) (func() error, error) {
	hotstart := c.session.cmd.Process
	if err := hotstart.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	defer hotstart.Signal(syscall.SIGCONT)
	name := filepath.Join(c.project.dir, "noise")
	for range 6000 { // create, write, close, remove: of 16384 events
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			return nil, nil // the folder is away
		}
		os.Remove(name)
	}
	return nil, c.save("good", "")
}

func renameProject(c *chaos) (func() error, error) {
	away := c.project.dir + "-away"
	if err := os.Rename(c.project.dir, away); err != nil {
		return nil, ignoreMissing(err)
	}
	time.Sleep(200 * time.Millisecond)
	return nil, os.Rename(away, c.project.dir)
}

func unreadable(c *chaos) (func() error, error) {
	name := filepath.Join(c.project.dir, "main.go")
	if err := c.save("good", ""); err != nil {
		return nil, err
	}
	return func() error { return ignoreMissing(os.Chmod(name, 0o644)) }, os.Chmod(name, 0)
}

func removeSource(c *chaos) (func() error, error) {
	return nil, ignoreMissing(os.Remove(filepath.Join(c.project.dir, "main.go")))
}
