package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// runChaos does to hotstart watch what a bad day does: in rounds of random
// faults, each ended by a good edit, under load. It fails unless the newest
// good code is served soon after each round, every request is answered but
// those that a fault itself has ended, and nothing is left or has grown.
func runChaos(args []string) error {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	long := flags.Duration("for", 10*time.Minute, "how long")
	seed := flags.Uint64("seed", uint64(time.Now().UnixNano()), "of the random choices")
	names := flags.String("faults", "", "which, separated by commas; all if empty")
	bound := flags.Duration("bound", 20*time.Second, "in which good code must be served")
	clients := flags.Int("clients", 8, "that ask all the time")
	verbose := flags.Bool("v", false, "show what hotstart says")
	binary := flags.String("hotstart", "", "the hotstart to torment; built from this checkout if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	faults, err := chooseFaults(*names)
	if err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	c, err := newChaos(b, *clients, *bound, *verbose)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d\n", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	err = c.rounds(random, faults, time.Now().Add(*long))
	return errors.Join(err, c.end())
}

// chaos is one hotstart that is tormented.
type chaos struct {
	project *project
	session *session
	said    *memory // by the session
	clients *clients
	bound   time.Duration
	before  usage // of hotstart, after the first rounds

	version int // of the newest good code
	counts  map[string]int
	slowest time.Duration
}

func newChaos(b *bench, asking int, bound time.Duration, verbose bool) (*chaos, error) {
	c := &chaos{bound: bound, counts: map[string]int{}}
	var err error
	if c.project, err = b.project("chaos", "chaos"); err != nil {
		return nil, err
	}
	if err := c.save("good", ""); err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	tmp := c.project.dir + "-tmp"
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return nil, err
	}
	if err := mountSmall(tmp); err != nil {
		return nil, err
	}
	env := []string{"ADDRESS=" + address, "TMPDIR=" + tmp, "GOTMPDIR="}
	c.session, err = b.watchBy(obedient(), c.project, env, "--stop-timeout=2s", "--ready-timeout=3s")
	if err != nil {
		unmount(tmp)
		return nil, err
	}
	c.said = c.session.keepReading(verbose)
	c.clients = startClients("http://"+address, asking)
	return c, nil
}

// rounds goes on until the end, or until something is wrong.
func (c *chaos) rounds(random *rand.Rand, faults []fault, end time.Time) error {
	for round := 1; time.Now().Before(end); round++ {
		var names []string
		var undo []func() error
		for range 1 + random.IntN(3) {
			f := faults[random.IntN(len(faults))]
			names = append(names, f.name)
			c.counts[f.name]++
			mend, err := f.do(c)
			if err != nil {
				return fmt.Errorf("round %d, %s: %w", round, f.name, err)
			}
			if mend != nil {
				undo = append(undo, mend)
			}
			time.Sleep(time.Duration(random.IntN(700)) * time.Millisecond)
		}
		if err := c.recover(undo); err != nil {
			return fmt.Errorf("round %d, after %s: %w", round, strings.Join(names, ", "), err)
		}
		if round == 20 {
			c.before = measure([]int{c.session.cmd.Process.Pid})
		}
	}
	return nil
}

// recover undoes the faults, saves good code and waits until it is served.
func (c *chaos) recover(undo []func() error) error {
	for _, mend := range slices.Backward(undo) {
		if err := mend(); err != nil {
			return err
		}
	}
	if err := c.save("good", ""); err != nil {
		return err
	}
	saved := time.Now()
	if err := c.clients.see(fmt.Sprint("version", c.version), c.bound); err != nil {
		return fmt.Errorf("%w; hotstart said:\n%s", err, c.said)
	}
	c.slowest = max(c.slowest, time.Since(saved))
	c.clients.close() // what was open to is over
	if lost := c.clients.takeLost(); len(lost) > 0 {
		return fmt.Errorf("%d requests were lost: %v; hotstart said:\n%s", len(lost), lost[0], c.said)
	}
	return nil
}

// save writes a new version of the program that behaves so, with a line of
// code after it.
func (c *chaos) save(behaviour, code string) error {
	c.version++
	source := strings.NewReplacer("TEXT", fmt.Sprint("version", c.version), "BEHAVIOUR", behaviour).Replace(c.project.source)
	return c.project.file("main.go", source+code)
}

// end stops hotstart and tells what came of it all.
func (c *chaos) end() error {
	defer unmount(c.project.dir + "-tmp")
	pid := c.session.cmd.Process.Pid
	err := c.clients.stop()
	err = errors.Join(err, c.settled(), grown(c.before, measure([]int{pid})))
	asked := time.Now()
	err = errors.Join(err, c.session.end(15*time.Second), left(c.project.dir+"-tmp"))
	fmt.Printf("stopped in %v\n", time.Since(asked).Round(time.Millisecond))
	c.report()
	return err
}

func (c *chaos) report() {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "fault\ttimes")
	var names []string
	for name := range c.counts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(table, "%s\t%d\n", name, c.counts[name])
	}
	table.Flush()
	fmt.Printf("%d requests answered, %d ended by a fault itself, %d lost; good code was served within %v\n",
		c.clients.answered.Load(), c.clients.excused, c.clients.failed(), c.slowest.Round(time.Millisecond))
	for _, w := range c.clients.windows {
		fmt.Printf("  %s: %s for %v\n", w.from.Format("15:04:05.000"), w.why, w.to.Sub(w.from).Round(time.Millisecond))
	}
}
