package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// runChaos does to hotstart what a bad day does: in rounds of random faults,
// each ended by good code, under load. It fails unless the newest good code is
// served soon after each round, every request is answered but those that a
// fault itself has ended, and nothing is left or has grown.
func runChaos(args []string) error {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	command := flags.String("of", "watch", "hotstart's command: watch or run")
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
	patient, err := choosePatient(*command)
	if err != nil {
		return err
	}
	faults, err := patient.choose(*names)
	if err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	c, err := newChaos(b, patient, *clients, *bound, *verbose)
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
	patient *patient
	project *project
	address string // of the program
	tmp     string // a small file system for hotstart's files, if this user may mount one
	session *session
	said    *memory // by the session
	clients *clients
	bound   time.Duration
	before  usage // of hotstart, after the first rounds

	version int // of the newest good code
	counts  map[string]int
	slowest time.Duration
}

// patient is a command of hotstart, and what can be done to it.
type patient struct {
	command string
	program string // the file that tells how the program is told what to do
	faults  []fault
	begin   func(b *bench, c *chaos) (*session, error)
	save    func(c *chaos, behaviour string) error // version c.version of the program, and have it loaded
	home    func(c *chaos) string                  // the folder that workers run from
	strays  bool                                   // a stray lives on, as under start_server
}

// stray is the command that a worker runs in a session of its own.
const stray = "sleep"

var patients = []*patient{watching, ran}

func choosePatient(command string) (*patient, error) {
	for _, p := range patients {
		if p.command == command {
			return p, nil
		}
	}
	return nil, fmt.Errorf("there is no chaos for hotstart %s", command)
}

func newChaos(b *bench, p *patient, asking int, bound time.Duration, verbose bool) (*chaos, error) {
	c := &chaos{patient: p, bound: bound, counts: map[string]int{}}
	if err := c.prepare(b); err != nil {
		return nil, err
	}
	var err error
	if c.session, err = p.begin(b, c); err != nil {
		unmount(c.tmp)
		return nil, err
	}
	c.said = c.session.keepReading(verbose)
	c.clients = startClients("http://"+c.address, asking)
	return c, nil
}

// prepare makes the program and the folders.
func (c *chaos) prepare(b *bench) (err error) {
	if c.project, err = b.project("chaos", c.patient.program); err != nil {
		return err
	}
	behaviours, err := programs.ReadFile("programs/chaos-behaviours.go.txt")
	if err != nil {
		return err
	}
	if err := c.project.file("behaviours.go", string(behaviours)); err != nil {
		return err
	}
	if c.address, err = freeAddress(); err != nil {
		return err
	}
	c.tmp = c.project.dir + "-tmp"
	if err := os.Mkdir(c.tmp, 0o700); err != nil {
		return err
	}
	return mountSmall(c.tmp)
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
	if err := c.save("good"); err != nil {
		return err
	}
	saved := time.Now()
	err := c.clients.see(c.text(), time.Time{}, c.bound)
	c.slowest = max(c.slowest, time.Since(saved))
	if err == nil && c.clients.excusing() {
		err = c.outlived()
	}
	if err != nil {
		return fmt.Errorf("%w; hotstart said:\n%s", err, c.said)
	}
	c.clients.close()
	if lost := c.clients.takeLost(); len(lost) > 0 {
		return fmt.Errorf("%d requests were lost: %v; hotstart said:\n%s", len(lost), lost[0], c.said)
	}
	return nil
}

// outlived waits until good code is served and no worker of a fault is left:
// one that leaves may still die, or take the socket away.
func (c *chaos) outlived() error {
	for end := time.Now().Add(c.bound); len(c.workers()) > 1; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("after %v there are workers beside that with good code", c.bound)
		}
	}
	return c.clients.see(c.text(), time.Now(), c.bound)
}

// save gives hotstart a new version of the program, that behaves so.
func (c *chaos) save(behaviour string) error {
	c.version++
	return c.patient.save(c, behaviour)
}

func (c *chaos) text() string { return fmt.Sprint("version", c.version) }

func (c *chaos) hangUp() error { return c.session.cmd.Process.Signal(syscall.SIGHUP) }

// end stops hotstart and tells what came of it all.
func (c *chaos) end() error {
	defer unmount(c.tmp)
	pid := c.session.cmd.Process.Pid
	err := c.clients.stop()
	err = errors.Join(err, c.settled(), grown(c.before, measure([]int{pid})))
	asked := time.Now()
	err = errors.Join(err, c.session.end(15*time.Second), c.left())
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
