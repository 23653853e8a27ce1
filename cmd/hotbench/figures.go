package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are the raw figures of compare, kept in a file.
type figures struct {
	file    string
	Machine machine `json:"machine"`
	Visits  []visit `json:"visits"`
}

// machine is what the figures depend on.
type machine struct {
	Date     string `json:"date"`
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemoryMB int    `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	Go       string `json:"go"`
	Commit   string `json:"hotstart"` // of the checkout
	Load     string `json:"load"`     // of the machine when it began
}

func thisMachine() machine {
	source := sourceDir()
	return machine{
		Date:     time.Now().UTC().Format(time.DateOnly),
		CPU:      field("/proc/cpuinfo", "model name"),
		Cores:    runtime.NumCPU(),
		MemoryMB: kib("/proc/meminfo", "MemTotal:") / 1024,
		Kernel:   line(os.ReadFile("/proc/sys/kernel/osrelease")),
		Go:       line(exec.Command("go", "env", "GOVERSION").Output()),
		Commit:   line(exec.Command("git", "-C", source, "rev-parse", "--short", "HEAD").Output()),
		Load:     line(os.ReadFile("/proc/loadavg")),
	}
}

// busy reports whether the machine had much else to do.
func (m machine) busy() bool {
	var load float64
	fmt.Sscan(m.Load, &load)
	return load > float64(m.Cores)/2
}

func line(b []byte, _ error) string { return strings.TrimSpace(string(b)) }

// field reads the first "name : value" of a file.
func field(file, name string) string {
	b, _ := os.ReadFile(file)
	for l := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// openFigures begins a file, or goes on with the one that is there.
func openFigures(file string, resume bool) (*figures, error) {
	f := &figures{file: file, Machine: thisMachine()}
	if !resume {
		return f, nil
	}
	return f, readJSON(file, f)
}

// readJSON reads what was kept in a file; nothing was if there is none.
func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// add keeps a visit at once, so that a run that is cut short can go on.
func (f *figures) add(v visit) error {
	f.Visits = append(f.Visits, v)
	return writeJSON(f.file, f)
}

func (f *figures) of(program, tool string) (some []visit) {
	for _, v := range f.Visits {
		if v.Program == program && v.Tool == tool {
			some = append(some, v)
		}
	}
	return some
}

func (f *figures) visits(program, tool string) int { return len(f.of(program, tool)) }

// missing reports whether there is nothing to visit.
func (f *figures) missing(program, tool string) bool {
	return slices.ContainsFunc(f.of(program, tool), func(v visit) bool { return v.Missing != "" && v.Start == 0 })
}

// failures are the visits that ended before their time.
func (f *figures) failures(program, tool string) (reasons []string) {
	for _, v := range f.of(program, tool) {
		if v.Missing != "" && v.Start > 0 {
			reasons = append(reasons, v.Missing)
		}
	}
	return reasons
}

// failed is an error if a tool did not do, anywhere, what was asked of it.
func (f *figures) failed(tool string) error {
	for _, v := range f.Visits {
		if v.Tool == tool && v.Missing != "" {
			return fmt.Errorf("%s at %s: %s", tool, v.Program, v.Missing)
		}
	}
	return nil
}

// summary is the figures of one tool at one program.
type summary struct {
	Program, Tool, Version string
	Edits                  int
	Median, P95, Start     float64 // ms; Start is 0 for go build
	Ratio                  float64 // of the median to that of go build
	Asked, Lost            int
	Rest                   *rested
	Missing                string
	Failures               []string
}

// summaries are in the order in which the tools and programs were measured.
func (f *figures) summaries() (all []summary) {
	for _, v := range f.Visits {
		if !slices.ContainsFunc(all, func(s summary) bool { return s.Program == v.Program && s.Tool == v.Tool }) {
			all = append(all, f.summary(v.Program, v.Tool))
		}
	}
	order := func(s summary) int {
		p := slices.IndexFunc(subjects(), func(x subject) bool { return x.name == s.Program })
		return 100*p + slices.IndexFunc(tools(), func(x tool) bool { return x.name == s.Tool })
	}
	slices.SortStableFunc(all, func(a, b summary) int { return order(a) - order(b) })
	return all
}

func (f *figures) summary(program, tool string) summary {
	s := summary{Program: program, Tool: tool, Failures: f.failures(program, tool)}
	var starts, took []float64
	for _, v := range f.of(program, tool) {
		s.Version, s.Missing = v.Version, v.Missing
		if v.Rest != nil {
			s.Rest = v.Rest
		}
		if v.Start > 0 {
			starts = append(starts, v.Start)
		}
		for _, e := range v.Edits {
			took = append(took, e.Took)
			s.Asked += e.Asked
			s.Lost += e.Lost
		}
	}
	s.Edits, s.Median, s.P95, s.Start = len(took), quantile(took, 0.5), quantile(took, 0.95), quantile(starts, 0.5)
	if s.Ratio = 1; tool != bare {
		s.Ratio = s.Median / f.summary(program, bare).Median
	}
	return s
}

// print tells all that was measured.
func (f *figures) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "program\ttool\tedits\tmedian\tp95\tratio\tlost\tof\tstart\tRSS\tCPU/10s\twakes\twatches\t")
	for _, s := range f.summaries() {
		fmt.Fprintf(table, "%s\t%s\t", s.Program, s.Tool)
		if s.Edits == 0 {
			fmt.Fprintf(table, "%s\n", s.Missing)
			continue
		}
		fmt.Fprintf(table, "%d\t%.0f ms\t%.0f ms\t%.2f\t%d\t%d\t%.0f ms\t", s.Edits, s.Median, s.P95, s.Ratio, s.Lost, s.Asked, s.Start)
		if r := s.Rest; r != nil {
			fmt.Fprintf(table, "%.1f MB\t%.1f ms\t%d\t%d\t", megabytes(r.RSS), r.CPU/1e3, r.Wakes, r.Watches)
		}
		fmt.Fprintln(table, strings.Join(s.Failures, "; "))
	}
	return table.Flush()
}

func megabytes(kib int) float64 { return float64(kib) * 1024 / 1e6 }

// String is a line for who waits.
func (v visit) String() string {
	text := fmt.Sprintf("%s: %s:", v.Program, v.Tool)
	for _, e := range v.Edits {
		text += fmt.Sprintf(" %.0f", e.Took)
	}
	if v.Missing != "" {
		text += " " + v.Missing
	}
	return text
}
