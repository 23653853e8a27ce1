//go:build e2e && linux

package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestChaos causes random faults in rounds, under load. Each round ends with
// good code, which must be served soon. Each request must be answered, except
// those that a fault itself has ended, and hotstart must not leak.
func TestChaos(t *testing.T) {
	t.Parallel()
	for _, command := range []*chaosCommand{chaosWatch, chaosRun} {
		t.Run(command.name, func(t *testing.T) {
			t.Parallel() // both wait for most of their time
			faults := command.chooseFaults(t)
			c := newChaos(t, command)
			seed := cmp.Or(*seedFlag, uint64(time.Now().UnixNano()))
			t.Logf("-seed %d", seed)
			c.rounds(rand.New(rand.NewPCG(seed, 0)), faults, time.Now().Add(*chaosFlag))
			c.finish()
		})
	}
}

// chaosCommand is a command of hotstart and what the chaos test can do to it.
type chaosCommand struct {
	name        string
	faults      []fault
	start       func(c *chaos) *session
	save        func(c *chaos, behavior string) // deploys version c.version of the program
	binaries    func(c *chaos) string           // folder that workers are executed from
	keepsStrays bool                            // processes in a session of their own keep running, as under start_server
}

// chaos is a hotstart that the test torments.
type chaos struct {
	*testing.T
	command *chaosCommand
	project *project
	address string // of the program
	tmp     string // hotstart's TMPDIR, a small file system if this user may mount one
	session *session
	clients *chaosClients
	early   usage // of hotstart after the first rounds; zero before

	version int            // number of the newest good code
	counts  map[string]int // of each fault
	slowest time.Duration  // longest time until good code was served
}

const (
	chaosClientCount = 8
	serveBound       = 20 * time.Second // in which good code must be served
	stopTimeout      = 2 * time.Second  // in which hotstart expects that a worker exits
	roundsToWarmUp   = 20               // after which hotstart may not grow any more
)

func newChaos(t *testing.T, command *chaosCommand) *chaos {
	c := &chaos{T: t, command: command, counts: map[string]int{}, address: freeAddress(t), tmp: t.TempDir()}
	c.project = newProject(t, "chaos-"+command.name, "")
	behaviors, err := os.ReadFile("testdata/programs/chaos-behaviors.go")
	c.check(err)
	c.project.write(t, "behaviors.go", string(behaviors))
	c.mountSmall()
	c.session = command.start(c)
	c.clients = startChaosClients("http://"+c.address, chaosClientCount)
	return c
}

// check ends the test if there is an error.
func (c *chaos) check(err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%v; output of hotstart:\n%s", err, c.output())
	}
}

func (c *chaos) output() string {
	if c.session == nil {
		return ""
	}
	return c.session.output()
}

// mountSmall mounts a small file system on c.tmp, which a fault can fill, if
// this user may mount.
func (c *chaos) mountSmall() {
	if err := syscall.Mount("tmpfs", c.tmp, "tmpfs", 0, "size=64m,mode=700"); err != nil {
		c.Logf("the disk is never full: %v", err)
		return
	}
	c.Cleanup(func() { syscall.Unmount(c.tmp, syscall.MNT_DETACH) })
}

func (c *chaos) isMounted() bool {
	b, _ := os.ReadFile("/proc/self/mountinfo")
	return strings.Contains(string(b), " "+c.tmp+" ")
}

func (c *chaos) rounds(random *rand.Rand, faults []fault, end time.Time) {
	for round := 1; time.Now().Before(end); round++ {
		var names []string
		var undo []func()
		for range 1 + random.IntN(3) {
			f := faults[random.IntN(len(faults))]
			names = append(names, f.name)
			c.counts[f.name]++
			if u := f.cause(c); u != nil {
				undo = append(undo, u)
			}
			time.Sleep(time.Duration(random.IntN(700)) * time.Millisecond)
		}
		c.Logf("round %d: %s", round, strings.Join(names, ", "))
		c.recover(undo)
		if round == roundsToWarmUp {
			c.early = usageOf(c.session.cmd.Process.Pid)
		}
	}
}

// recover undoes the faults, saves good code and waits until it is served.
func (c *chaos) recover(undo []func()) {
	for _, u := range slices.Backward(undo) {
		u()
	}
	c.save("good")
	saved := time.Now()
	c.check(c.clients.awaitVersion(c.text(), time.Time{}))
	c.slowest = max(c.slowest, time.Since(saved))
	if c.clients.hasOpenExcuse() {
		c.awaitOneWorker()
	}
	c.clients.closeExcuses()
	c.checkLost()
}

// awaitOneWorker waits until no worker of a fault is left: a worker that drains
// may still crash, or shut the socket down.
func (c *chaos) awaitOneWorker() {
	for end := time.Now().Add(serveBound); len(c.workers()) > 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("%d workers are left; output of hotstart:\n%s", len(c.workers()), c.output())
		}
	}
	c.check(c.clients.awaitVersion(c.text(), time.Now()))
}

func (c *chaos) checkLost() {
	if lost := c.clients.takeLost(); len(lost) > 0 {
		c.Fatalf("%d requests were lost: %v; output of hotstart:\n%s", len(lost), lost[0], c.output())
	}
}

// save deploys a new version of the program, with a behavior.
func (c *chaos) save(behavior string) {
	c.version++
	c.command.save(c, behavior)
}

func (c *chaos) text() string { return fmt.Sprint("version", c.version) }

func (c *chaos) signal(sig syscall.Signal) { c.check(c.session.cmd.Process.Signal(sig)) }

// workers lists the processes that execute the program.
func (c *chaos) workers() (pids []int) {
	for _, pid := range children()[c.session.cmd.Process.Pid] {
		if exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); strings.HasPrefix(exe, c.command.binaries(c)+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// anyRuns reports whether one of these workers is alive.
func (c *chaos) anyRuns(pids []int) bool {
	return slices.ContainsFunc(c.workers(), func(pid int) bool { return slices.Contains(pids, pid) })
}

// finish stops hotstart and checks what it has left.
func (c *chaos) finish() {
	c.clients.stop()
	c.checkLost()
	c.awaitOneWorkerAndNoZombie()
	c.checkGrowth(usageOf(c.session.cmd.Process.Pid))
	asked := time.Now()
	c.check(c.session.stop(15 * time.Second))
	c.Logf("stopped in %v", time.Since(asked).Round(time.Millisecond))
	c.checkLeftovers()
	c.report()
}

// awaitOneWorkerAndNoZombie waits for the state at rest. Processes that workers
// have put into sessions of their own may live as long as hotstart.
func (c *chaos) awaitOneWorkerAndNoZombie() {
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var zombies []string
		for _, pid := range children()[c.session.cmd.Process.Pid] {
			if stateOf(fmt.Sprintf("/proc/%d", pid)) == "Z" {
				zombies = append(zombies, commandOf(pid))
			}
		}
		workers := c.workers()
		if len(workers) == 1 && len(zombies) == 0 {
			return
		}
		if time.Now().After(end) {
			c.Fatalf("in the end hotstart has %d workers and zombies %v", len(workers), zombies)
		}
	}
}

// checkGrowth compares hotstart with itself after the first rounds, unless the
// run was too short for that.
func (c *chaos) checkGrowth(now usage) {
	if c.early == (usage{}) {
		return
	}
	c.Logf("after %d rounds %v; in the end %v", roundsToWarmUp, c.early, now)
	if now.leaks(c.early) {
		c.Error("hotstart leaks")
	}
}

// checkLeftovers makes sure that hotstart leaves neither files nor processes.
func (c *chaos) checkLeftovers() {
	if files, _ := filepath.Glob(filepath.Join(c.tmp, "*")); len(files) > 0 {
		c.Errorf("left behind: %v", files)
	}
	for _, pid := range processes() {
		if !hasEnv(pid, "TMPDIR="+c.tmp) {
			continue
		}
		if !c.command.keepsStrays || commandOf(pid) != strayCommand {
			c.Errorf("left running: %d, %s", pid, commandOf(pid))
		}
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (c *chaos) report() {
	var table strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.counts)) {
		fmt.Fprintf(&table, "\n%4d %s", c.counts[name], name)
	}
	c.Logf("faults:%s", table.String())
	c.Logf("%d requests answered, %d ended by a fault itself; good code was served within %v",
		c.clients.answered.Load(), c.clients.excused, c.slowest.Round(time.Millisecond))
	for _, e := range c.clients.excuses {
		c.Logf("%s: %s for %v", e.from.Format("15:04:05.000"), e.reason, e.to.Sub(e.from).Round(time.Millisecond))
	}
}
