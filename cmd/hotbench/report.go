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

// kept is all that was measured, as far as it is there.
type kept struct {
	compare figures
	share   shares
	hangup  hangups
	endure  endurance
}

// runReport writes the figures that are kept into the page, between its
// marks, and draws the pictures.
func runReport(args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	out := flags.String("out", defaultOut(), "folder with the figures; the page is beside it, as out.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var k kept
	for name, into := range map[string]any{"compare": &k.compare, "share": &k.share, "hangup": &k.hangup, "endure": &k.endure} {
		if err := readJSON(filepath.Join(*out, name+".json"), into); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(*out, "compare.svg"), []byte(draw(k.compare.summaries())), 0o644); err != nil {
		return err
	}
	page := filepath.Clean(*out) + ".md"
	text, err := os.ReadFile(page)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Println(k.markdown())
		return nil
	}
	if err != nil {
		return err
	}
	replaced, err := between(string(text), k.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(replaced), 0o644)
}

const beginMark, endMark = "<!-- begin of what `hotbench report` writes -->\n", "<!-- end -->"

// between puts text between the marks of a page.
func between(page, text string) (string, error) {
	before, rest, begins := strings.Cut(page, beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return "", errors.New("the marks for the figures are not there")
	}
	return before + beginMark + "\n" + strings.TrimSpace(text) + "\n\n" + endMark + after, nil
}

func (k *kept) markdown() string {
	var s strings.Builder
	m := k.compare.Machine
	fmt.Fprintf(&s, "Measured on %s, at commit %s: %s, %d cores, %.0f GB, Linux %s, %s; load average %s when it began.\n",
		m.Date, m.Commit, m.CPU, m.Cores, float64(m.MemoryMB)/1024, m.Kernel, m.Go, m.Load)
	if m.busy() {
		s.WriteString("\n**It was busy with other work: the figures are provisional, and only their order within the run means something.**\n")
	}
	fmt.Fprintf(&s, "\n## The targets\n\n| what | target | measured | met |\n|---|---|---|---|\n")
	for _, t := range k.targets() {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", t.what, t.target, t.measured, t.met)
	}
	summaries := k.compare.summaries()
	for _, p := range subjects() {
		one := slices.DeleteFunc(slices.Clone(summaries), func(s summary) bool { return s.Program != p.name })
		if len(one) > 0 {
			fmt.Fprintf(&s, "\n## %s: %s\n\n%s", p.name, p.about, programTable(one))
		}
	}
	s.WriteString(k.shareTable())
	s.WriteString(k.hangupTable())
	s.WriteString(k.endureTable())
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
		fmt.Fprintf(&s, "| %s | %.0f ms | %.0f ms | %.2f | ", name, t.Median, t.P95, t.Ratio)
		if t.Tool == bare {
			s.WriteString("| | | | | |\n")
			continue
		}
		fmt.Fprintf(&s, "%d of %d | %.0f ms | ", t.Lost, t.Asked, t.Start)
		if r := t.Rest; r != nil {
			fmt.Fprintf(&s, "%.0f MB | %.1f ms | %d | %d |\n", megabytes(r.RSS), r.CPU/1e3, r.Wakes, r.Watches)
		} else {
			s.WriteString("| | | |\n")
		}
	}
	for _, t := range all {
		for _, reason := range t.Failures {
			fmt.Fprintf(&s, "\n%s left off once: %s\n", t.Tool, reason)
		}
	}
	return s.String()
}

func (k *kept) shareTable() string {
	var s strings.Builder
	fmt.Fprintf(&s, "\n## What is the tool's own\n\n| tool | save to answer | a go command ran | the program's start | own |\n|---|---|---|---|---|\n")
	for _, t := range k.share.Tools {
		var took, builds []float64
		for _, e := range t.Edits {
			took, builds = append(took, e.Took), append(builds, e.Go)
		}
		fmt.Fprintf(&s, "| %s | %.0f ms | %.0f ms | %.1f ms | %.1f ms |\n", t.Tool, quantile(took, 0.5), quantile(builds, 0.5), quantile(k.share.Start, 0.5), k.share.own(t))
	}
	fmt.Fprintf(&s, "\n| no-op change | tool | CPU, each | go commands, of 5 | restarts, of 5 |\n|---|---|---|---|---|\n")
	for i := range maxChanges(k.share.Tools) {
		for _, t := range k.share.Tools {
			c := t.Changes[i]
			fmt.Fprintf(&s, "| %s | %s | %.2f ms | %d | %d |\n", c.Kind, t.Tool, c.CPU/1e3/float64(c.Times), c.Builds, c.Restarts)
		}
	}
	return s.String()
}

func maxChanges(all []toolTime) int {
	if len(all) == 0 {
		return 0
	}
	return len(all[0].Changes)
}

func (k *kept) hangupTable() string {
	var s strings.Builder
	fmt.Fprintf(&s, "\n## SIGHUP\n\nThe program by itself needs %.1f ms from its start to its first answer.\n\n", quantile(k.hangup.Start, 0.5))
	s.WriteString("| superdaemon | new worker current | p95 | first answer of it | lost |\n|---|---|---|---|---|\n")
	for _, d := range k.hangup.Daemons {
		if len(d.Current) == 0 {
			fmt.Fprintf(&s, "| %s | %s |\n", d.Name, d.Missing)
			continue
		}
		fmt.Fprintf(&s, "| %s | %.0f ms | %.0f ms | %.0f ms | %d of %d |\n", d.Name, quantile(d.Current, 0.5), quantile(d.Current, 0.95), quantile(d.Answer, 0.5), d.Lost, d.Asked)
	}
	return s.String()
}

func (k *kept) endureTable() string {
	var s strings.Builder
	s.WriteString("\n## Many reloads in a row\n\n| reloads | median | p95 | RSS | descriptors | threads | temporary files |\n|---|---|---|---|---|---|---|\n")
	for i, e := range k.endure.Stretches {
		if n := len(k.endure.Stretches); i%max(1, n/10) == 0 || i == n-1 {
			fmt.Fprintf(&s, "| %d | %.0f ms | %.0f ms | %.1f MB | %d | %d | %d |\n", e.Reloads, e.Median, e.P95, megabytes(e.RSS), e.Files, e.Threads, e.Temporary)
		}
	}
	fmt.Fprintf(&s, "\nGoroutines: %d at the end, %d in another hotstart after 5 reloads.\n", k.endure.Goroutines, k.endure.Fresh)
	return s.String()
}
