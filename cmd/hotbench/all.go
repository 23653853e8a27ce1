package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// runAll measures all that docs/speed.md shows, and writes it. What fails does
// not keep the rest from being measured.
func runAll(args []string) error {
	flags := flag.NewFlagSet("all", flag.ContinueOnError)
	out := flags.String("out", defaultOut(), "folder for the figures")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	quick := flags.Bool("quick", false, "few edits and reloads, to see that it works")
	resume := flags.Bool("resume", false, "keep what was measured before, and measure what is missing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	common := []string{"-out", *out}
	if *binary != "" {
		common = append(common, "-hotstart", *binary)
	}
	var failed error
	for _, step := range []struct {
		name        string
		run         func([]string) error
		full, quick []string
	}{
		{"share", runShare, nil, []string{"-edits", "3"}},
		{"hangup", runHangup, nil, []string{"-n", "3"}},
		{"compare", runCompare, []string{fmt.Sprintf("-resume=%t", *resume)}, []string{"-rounds", "1", "-edits", "2", "-rest", "3s"}},
		{"endure", runEndure, nil, []string{"-reloads", "20", "-every", "5"}},
	} {
		more := step.full
		if *quick {
			more = step.quick
		}
		if _, err := os.Stat(filepath.Join(*out, step.name+".json")); err == nil && *resume && step.name != "compare" {
			continue
		}
		fmt.Fprintf(os.Stderr, "== %s\n", step.name)
		if err := step.run(append(more, common...)); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", step.name, err)
			failed = fmt.Errorf("%s: %w", step.name, err)
		}
	}
	if err := runReport([]string{"-out", *out}); err != nil {
		return err
	}
	return failed
}
