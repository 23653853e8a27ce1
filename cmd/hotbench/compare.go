package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// comparison is one run of the command compare.
type comparison struct {
	*bench
	figures  *figures
	projects map[string]*project // by the name of the program
	only     *regexp.Regexp      // PROGRAM/TOOL that are measured
	rounds   int
	edits    int
	rest     time.Duration
}

// runCompare measures in rounds. Each round visits each tool once, so that
// other work of the machine affects all tools alike.
func runCompare(args []string) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	var (
		c      = comparison{projects: map[string]*project{}}
		only   = flags.String("only", "", "measure what matches a regular expression as PROGRAM/TOOL, for example '^small/(go build|hotstart|air)$'")
		binary = flags.String("hotstart", "", "hotstart binary; empty: build it from this checkout")
		out    = flags.String("out", defaultOut(), "folder for the figures")
		resume = flags.Bool("resume", false, "keep the figures in the folder and measure what is missing")
		err    error
	)
	flags.IntVar(&c.rounds, "rounds", 3, "visits to each tool with each program")
	flags.IntVar(&c.edits, "edits", 5, "measured edits in each visit, after one that is not measured")
	flags.DurationVar(&c.rest, "rest", 10*time.Second, "time for which an idle tool is measured, in the first round")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if c.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	if c.figures, err = openFigures(filepath.Join(*out, "compare.json"), *resume); err != nil {
		return err
	}
	if c.bench, err = newBench(*binary); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	for round := range c.rounds {
		for _, p := range programs() {
			if err := c.round(round, p); err != nil {
				return fmt.Errorf("measuring %s: %w", p.name, err)
			}
		}
	}
	fmt.Print(markdown(c.figures))
	return c.figures.failed(ours)
}

func (c *comparison) round(round int, p program) error {
	for _, t := range p.tools {
		chosen := c.only.MatchString(p.name + "/" + t.name)
		if !chosen || c.figures.visits(p.name, t.name) > round || c.figures.unavailable(p.name, t.name) {
			continue
		}
		project, err := c.project(p)
		if err != nil {
			return err
		}
		v := visit{Program: p.name, Tool: t.name}
		if err := c.measure(&v, p, t, project, round == 0); err != nil {
			v.Missing = err.Error()
		}
		fmt.Fprintf(os.Stderr, "round %d: %s\n", round+1, v)
		if err := c.figures.add(v); err != nil {
			return err
		}
	}
	return nil
}

// project writes a program in the first round, and fills the build cache.
func (c *comparison) project(p program) (*project, error) {
	if made := c.projects[p.name]; made != nil {
		return made, nil
	}
	fmt.Fprintf(os.Stderr, "making %s: %s\n", p.name, p.about)
	made, err := p.make(filepath.Join(c.dir, p.name))
	if err != nil {
		return nil, err
	}
	c.projects[p.name] = made
	_, err = made.build()
	return made, err
}

// measure fills a visit. Figures that were measured before an error are kept.
func (c *comparison) measure(v *visit, p program, t tool, project *project, idle bool) error {
	if t.yardstick != nil {
		return c.measureYardstick(v, t, project)
	}
	path, version, err := c.install(t)
	if err != nil {
		return err
	}
	v.Version = version
	r, took, err := c.start(path, t, project)
	if err != nil {
		return err
	}
	defer r.stop()
	v.Start = milliseconds(took)
	if idle && c.rest > 0 {
		v.Rest = r.measureRest(c.rest)
	}
	for i := range c.edits + 1 {
		awaitRest(r.toolProcesses)
		if i > 0 && t.linker {
			if err := r.awaitLinker(path); err != nil {
				return err
			}
		}
		e, err := r.edit(p.trigger)
		if err != nil {
			return err
		}
		if i > 0 {
			v.Edits = append(v.Edits, e)
		}
	}
	return nil
}

func (c *comparison) measureYardstick(v *visit, t tool, project *project) error {
	for i := range c.edits + 1 {
		took, err := t.yardstick(project)
		if err != nil {
			return err
		}
		if i > 0 {
			v.Edits = append(v.Edits, edit{Took: milliseconds(took)})
		}
		time.Sleep(pause)
	}
	return nil
}
