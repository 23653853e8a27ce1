package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// runReport writes the kept figures into the page, between its marks, and
// draws the picture.
func runReport(args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	out := flags.String("out", defaultOut(), "folder with the figures; the page is next to it and has the same name with .md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := openFigures(filepath.Join(*out, "compare.json"), true)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*out, "compare.svg"), []byte(draw(f.summaries())), 0o644); err != nil {
		return err
	}
	page := filepath.Clean(*out) + ".md"
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	replaced, err := replaceMarked(string(text), markdown(f))
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(replaced), 0o644)
}

const beginMark, endMark = "<!-- begin of what `hotbench report` writes -->\n", "<!-- end -->"

func replaceMarked(page, text string) (string, error) {
	before, rest, begins := strings.Cut(page, beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return "", errors.New("the marks around the figures are missing")
	}
	return before + beginMark + "\n" + strings.TrimSpace(text) + "\n\n" + endMark + after, nil
}

func markdown(f *figures) string {
	var s strings.Builder
	m := f.Machine
	fmt.Fprintf(&s, "Measured on %s, at commit %s: %s, %d cores, %.0f GB, Linux %s, %s; load average %s when it began.\n",
		m.Date, m.Commit, m.CPU, m.Cores, float64(m.MemoryMB)/1024, m.Kernel, m.Go, m.Load)
	if m.isBusy() {
		s.WriteString("\n**The machine was busy with other work: the figures are provisional; compare them only with each other.**\n")
	}
	fmt.Fprintf(&s, "\n## The targets\n\n| what | target | measured | met |\n|---|---|---|---|\n")
	for _, t := range targets(f) {
		met := "no"
		if t.met {
			met = "yes"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", t.what, t.target, t.measured, met)
	}
	summaries := f.summaries()
	for _, p := range programs() {
		some := slices.DeleteFunc(slices.Clone(summaries), func(s summary) bool { return s.Program != p.name })
		if len(some) > 0 {
			fmt.Fprintf(&s, "\n## %s: %s\n\n%s", p.name, p.about, programTable(some))
		}
	}
	return s.String()
}

func programTable(all []summary) string {
	var s strings.Builder
	s.WriteString("| tool | median | p95 | ratio | lost | start | RSS | CPU in 10 s | wake-ups | watches |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, t := range all {
		name := strings.TrimSpace(t.Tool + " " + t.Version)
		if t.Edits == 0 {
			fmt.Fprintf(&s, "| %s | %s |\n", name, t.Missing)
			continue
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %.2f | ", name, duration(t.Median), duration(t.P95), t.Ratio)
		if t.Tool == yardstickOf(t.Program) {
			s.WriteString("| | | | | |\n")
			continue
		}
		fmt.Fprintf(&s, "%d of %d | ", t.Lost, t.Asked)
		if t.Start > 0 {
			s.WriteString(duration(t.Start))
		}
		if r := t.Rest; r != nil {
			fmt.Fprintf(&s, " | %.0f MB | %.1f ms | %d | %d |\n", megabytes(r.RSS), r.CPU/1e3, r.Wakes, r.Watches)
		} else {
			s.WriteString(" | | | | |\n")
		}
	}
	for _, t := range all {
		for _, reason := range t.Failures {
			fmt.Fprintf(&s, "\n%s failed once: %s\n", t.Tool, reason)
		}
	}
	return s.String()
}

// duration has a decimal place if the time is short.
func duration(ms float64) string {
	if ms < 20 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}
