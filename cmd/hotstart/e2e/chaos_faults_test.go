//go:build e2e && linux

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fault is one thing that goes wrong. The function that cause returns undoes
// the fault if the next good code does not; it may be nil.
type fault struct {
	name  string
	cause func(c *chaos) (undo func())
}

// strayCommand is the command that a worker starts in a session of its own.
const strayCommand = "sleep"

// commonFaults are possible with each command. Steps of the system clock are
// not among them, because they would affect all programs on the machine.
var commonFaults = []fault{
	{"SIGHUP", func(c *chaos) func() { c.signal(syscall.SIGHUP); return nil }},
	{"good code", saving("good")},
	{"panic at start", saving("panic")},
	{"exit at start", saving("exit")},
	{"hang at start", saving("hang")},
	{"crash loop", crashLoop},
	{"ignores SIGTERM", saving("deaf")},
	{"child keeps the socket", saving("fork")},
	{"closes its listener", saving("close")},
	{"shuts its socket down", shutDown},
	{"kill -9 a worker", killWorker},
	{"stop a worker for a while", stopWorker},
	{"disk full", fillDisk},
}

// chooseFaults returns the faults of the flag -faults.
func (command *chaosCommand) chooseFaults(t *testing.T) []fault {
	all := slices.Concat(commonFaults, command.faults)
	if *faultsFlag == "" {
		return all
	}
	names := strings.Split(*faultsFlag, ",")
	chosen := slices.DeleteFunc(all, func(f fault) bool { return !slices.Contains(names, f.name) })
	if len(chosen) == 0 {
		t.Fatalf("hotstart %s has no fault %s", command.name, *faultsFlag)
	}
	return chosen
}

func saving(behavior string) func(c *chaos) func() {
	return func(c *chaos) func() { c.save(behavior); return nil }
}

// crashLoop deploys a program that serves for a moment and exits.
func crashLoop(c *chaos) func() {
	c.clients.openExcuse("workers crash again and again")
	c.save("die")
	return nil
}

// shutDown deploys a program that shuts the socket down for all processes, each
// time it is started.
func shutDown(c *chaos) func() {
	c.clients.openExcuse("a worker shuts the socket down")
	c.save("shutdown")
	return nil
}

// killWorker ends the requests that are in flight in the worker. Later
// connections only wait: hotstart has the socket.
func killWorker(c *chaos) func() {
	workers := c.workers()
	if len(workers) == 0 {
		return nil
	}
	defer c.clients.openExcuse("a worker is killed")()
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	for end := time.Now().Add(timeout); c.anyRuns(workers) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// stopWorker delays the answers of a worker. They are lost only if hotstart
// kills the worker because it loads other code and has waited long enough.
func stopWorker(c *chaos) func() {
	workers := c.workers()
	e := excuse{from: time.Now(), reason: "a worker that was stopped is killed"}
	for _, pid := range workers {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	for end := time.Now().Add(timeout); !allStopped(workers) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	e.to = time.Now()
	return func() {
		killed := time.Since(e.to) >= stopTimeout // or is killed at this moment
		for _, pid := range workers {
			killed = killed || !c.anyRuns([]int{pid})
			syscall.Kill(pid, syscall.SIGCONT)
		}
		if killed && len(workers) > 0 {
			c.clients.addExcuse(e)
		}
	}
}

func allStopped(pids []int) bool {
	return !slices.ContainsFunc(pids, func(pid int) bool { return !isStopped(pid) })
}

// fillDisk leaves no room for binaries and for the status file.
func fillDisk(c *chaos) func() {
	if !c.isMounted() {
		return nil
	}
	name := filepath.Join(c.tmp, "filler")
	f, err := os.Create(name)
	if err != nil {
		return nil // the disk is full already
	}
	defer f.Close()
	for chunk := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(chunk)
	}
	c.save("good")
	return func() { c.checkUnless(os.ErrNotExist, os.Remove(name)) }
}

// checkUnless is check, but accepts one error: a fault that was caused twice in
// a round has nothing left to do.
func (c *chaos) checkUnless(accepted, err error) {
	c.Helper()
	if !errors.Is(err, accepted) {
		c.check(err)
	}
}
