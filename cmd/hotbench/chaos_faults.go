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

// stopTimeout is how long hotstart waits for a worker that is to leave.
const stopTimeout = 2 * time.Second

// anywhere are the faults that befall each command. Steps of the system's
// clock are not among them: they would be every program's on the machine.
var anywhere = []fault{
	{"SIGHUP", func(c *chaos) (func() error, error) { return nil, c.hangUp() }},
	{"good code", saving("good")},
	{"panic at start", saving("panic")},
	{"exit at start", saving("exit")},
	{"hang at start", saving("hang")},
	{"dies again and again", dying},
	{"ignores SIGTERM", saving("deaf")},
	{"child keeps the socket", saving("fork")},
	{"closes its listener", saving("close")},
	{"shuts its listener down", shutDown},
	{"kill -9 a worker", killWorker},
	{"stop a worker for a while", stopWorker},
	{"no room for files", fillDisk},
}

// choose returns the faults with these names, separated by commas; all if
// there are none.
func (p *patient) choose(names string) ([]fault, error) {
	all := slices.Concat(anywhere, p.faults)
	if names == "" {
		return all, nil
	}
	var chosen []fault
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func saving(behaviour string) func(c *chaos) (func() error, error) {
	return func(c *chaos) (func() error, error) { return nil, c.save(behaviour) }
}

// dying has a worker serve for a moment, and so does each that follows it.
func dying(c *chaos) (func() error, error) {
	c.clients.open("workers die again and again")
	return nil, c.save("die")
}

// shutDown has a worker take the socket away from all. Until good code is
// served, it does so again as often as it is started.
func shutDown(c *chaos) (func() error, error) {
	c.clients.open("a worker shuts the socket down")
	return nil, c.save("shutdown")
}

// killWorker ends what the worker was about to answer. Who connects later
// has to wait, and no more: hotstart has the socket.
func killWorker(c *chaos) (func() error, error) {
	workers := c.workers()
	if len(workers) == 0 {
		return nil, nil
	}
	defer c.clients.open("a worker is killed")()
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for end := time.Now().Add(patience); c.anyRuns(workers) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return nil, nil
}

// stopWorker keeps what the worker was about to answer from who has asked. It
// is lost only if hotstart, which loads other code, can wait no longer.
func stopWorker(c *chaos) (func() error, error) {
	workers := c.workers()
	w := window{from: time.Now(), why: "a worker that stands still is killed"}
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	for end := time.Now().Add(patience); slices.ContainsFunc(workers, moves) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	w.to = time.Now()
	return func() error {
		killed := time.Since(w.to) >= stopTimeout // or may be so at any moment
		for _, pid := range workers {
			killed = killed || !c.anyRuns([]int{pid})
			syscall.Kill(pid, syscall.SIGCONT)
		}
		if killed && len(workers) > 0 {
			c.clients.excuse(w)
		}
		return nil
	}, nil
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// fillDisk leaves no room for binaries, or for the status.
func fillDisk(c *chaos) (func() error, error) {
	if !isMounted(c.tmp) {
		return nil, nil
	}
	name := filepath.Join(c.tmp, "filler")
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
	return func() error { return ignoreMissing(os.Remove(name)) }, c.save("good")
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
