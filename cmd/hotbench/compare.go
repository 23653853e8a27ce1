package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// comparison is the order of a run of compare.
type comparison struct {
	*bench
	figures  *figures
	projects map[string]*project // by the program's name
	tools    []tool
	rounds   int
	edits    int
	rest     time.Duration
	until    time.Time
}

// runCompare measures hotstart beside its peers and a bare go build: in
// rounds, each of which visits every tool once, so that what else the machine
// does meanwhile meets all alike.
func runCompare(args []string) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	var (
		c        = comparison{projects: map[string]*project{}}
		programs = flags.String("programs", "", "programs to measure, as small,large; empty: all")
		names    = flags.String("tools", "", "tools to measure, as 'go build;hotstart;air'; empty: all")
		binary   = flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
		out      = flags.String("out", defaultOut(), "folder for the figures")
		resume   = flags.Bool("resume", false, "keep the figures that are there, and measure what is missing")
		bound    = flags.Duration("bound", 40*time.Minute, "begin nothing more after this time")
	)
	flags.IntVar(&c.rounds, "rounds", 3, "visits to each tool at each program")
	flags.IntVar(&c.edits, "edits", 5, "edits to measure in each visit, after one that is not")
	flags.DurationVar(&c.rest, "rest", 10*time.Second, "how long to watch a tool at rest, in its first visit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := chosenSubjects(*programs)
	if err != nil {
		return err
	}
	if c.tools, err = named(tools(), *names); err != nil {
		return err
	}
	if c.figures, err = openFigures(filepath.Join(*out, "compare.json"), *resume); err != nil {
		return err
	}
	if c.bench, err = newBench(*binary); err != nil {
		return err
	}
	defer c.close()
	c.until = time.Now().Add(*bound)
	for round := range c.rounds { // a run that is cut short has seen every program
		for _, s := range chosen {
			if err := c.round(round, s); err != nil {
				return fmt.Errorf("measuring %s: %w", s.name, err)
			}
		}
	}
	if err := c.figures.print(os.Stdout); err != nil {
		return err
	}
	return c.figures.failed(ours)
}

// round visits each tool at one program. One that fails is named, and not
// visited again.
func (c *comparison) round(round int, s subject) error {
	for _, t := range c.tools {
		if c.figures.visits(s.name, t.name) > round || c.figures.missing(s.name, t.name) || time.Now().After(c.until) {
			continue
		}
		p, err := c.made(s)
		if err != nil {
			return err
		}
		v := c.visit(s, t, p, round == 0)
		fmt.Fprintf(os.Stderr, "round %d: %s\n", round+1, v)
		if err := c.figures.add(v); err != nil {
			return err
		}
	}
	return nil
}

// made makes a program the first time, and fills the build cache for it.
func (c *comparison) made(s subject) (*project, error) {
	if p := c.projects[s.name]; p != nil {
		return p, nil
	}
	fmt.Fprintf(os.Stderr, "making %s: %s\n", s.name, s.about)
	p, err := s.make(filepath.Join(c.dir, s.name))
	if err != nil {
		return nil, err
	}
	c.projects[s.name] = p
	_, err = timeBuild(p, newText())
	return p, err
}

func (c *comparison) visit(s subject, t tool, p *project, rest bool) visit {
	v := visit{Program: s.name, Tool: t.name, At: time.Now().UTC().Truncate(time.Second)}
	if err := c.stay(&v, t, p, rest); err != nil {
		v.Missing = err.Error()
	}
	return v
}

// stay is what a visit consists of.
func (c *comparison) stay(v *visit, t tool, p *project, rest bool) error {
	if t.name == bare {
		return c.builds(v, p)
	}
	path, version, err := c.command(t)
	if err != nil {
		return err
	}
	v.Version = version
	r, took, err := start(path, t, p)
	if err != nil {
		return err
	}
	defer r.stop(t)
	v.Start = millis(took)
	if rest && c.rest > 0 {
		v.Rest = r.rest(c.rest)
	}
	for i := range c.edits + 1 {
		settle(r.alone)
		e, err := r.save()
		if err != nil {
			return err
		}
		if i > 0 {
			v.Edits = append(v.Edits, e)
		}
	}
	return nil
}

// builds is the visit to the yardstick.
func (c *comparison) builds(v *visit, p *project) error {
	for i := range c.edits + 1 {
		d, err := timeBuild(p, newText())
		if err != nil {
			return err
		}
		if i > 0 {
			v.Edits = append(v.Edits, edit{Took: millis(d)})
		}
	}
	return nil
}
