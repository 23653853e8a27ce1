package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// figures are the raw figures, which are kept in a file.
type figures struct {
	file    string
	Machine machine `json:"machine"`
	Visits  []visit `json:"visits"`
}

// machine describes what the figures depend on.
type machine struct {
	Date     string `json:"date"`
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemoryMB int    `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	Go       string `json:"go"`
	Commit   string `json:"hotstart"` // of the checkout
	Load     string `json:"load"`     // /proc/loadavg at the start
}

// visit is one run of one tool with one program: the tool is started, left
// alone for a while in the first round, and shown some edits.
type visit struct {
	Program string  `json:"program"`
	Tool    string  `json:"tool"`
	Version string  `json:"version,omitempty"`
	Start   float64 `json:"start_ms,omitempty"` // from the start of the tool to the first answer
	Rest    *rest   `json:"rest,omitempty"`
	Edits   []edit  `json:"edits,omitempty"`
	Missing string  `json:"missing,omitempty"` // error that ended the visit
}

// edit is the result of one save or signal.
type edit struct {
	Took  float64 `json:"ms"`
	Asked int     `json:"asked"`
	Lost  int     `json:"lost"`
}

func thisMachine() machine {
	text := func(b []byte, _ error) string { return strings.TrimSpace(string(b)) }
	memory, _ := os.ReadFile("/proc/meminfo")
	_, cpu, _ := strings.Cut(text(os.ReadFile("/proc/cpuinfo")), "model name\t: ")
	cpu, _, _ = strings.Cut(cpu, "\n")
	return machine{
		Date:     time.Now().UTC().Format(time.DateOnly),
		CPU:      cpu,
		Cores:    runtime.NumCPU(),
		MemoryMB: number(memory, "MemTotal:") / 1024,
		Kernel:   text(os.ReadFile("/proc/sys/kernel/osrelease")),
		Go:       text(exec.Command("go", "env", "GOVERSION").Output()),
		Commit:   text(exec.Command("git", "-C", checkout(), "rev-parse", "--short", "HEAD").Output()),
		Load:     text(os.ReadFile("/proc/loadavg")),
	}
}

// isBusy reports whether the machine had much other work.
func (m machine) isBusy() bool {
	var load float64
	fmt.Sscan(m.Load, &load)
	return load > float64(m.Cores)/2
}

// openFigures reads the figures in a file if resume is set and there is one.
func openFigures(file string, resume bool) (*figures, error) {
	f := &figures{file: file, Machine: thisMachine()}
	if !resume {
		return f, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(b, f)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return f, nil
}

// add writes the file after each visit, so that an interrupted run can be
// resumed.
func (f *figures) add(v visit) error {
	f.Visits = append(f.Visits, v)
	b, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(f.file, append(b, '\n'), 0o644)
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

func (f *figures) unavailable(program, tool string) bool {
	return slices.ContainsFunc(f.of(program, tool), func(v visit) bool { return v.Missing != "" && v.Start == 0 })
}

func (f *figures) failed(tool string) error {
	for _, v := range f.Visits {
		if v.Tool == tool && v.Missing != "" {
			return fmt.Errorf("%s with %s: %s", tool, v.Program, v.Missing)
		}
	}
	return nil
}

// summary is the result of one tool with one program. Times are in ms.
type summary struct {
	Program, Tool, Version string
	Edits                  int
	Median, P95            float64
	Start                  float64 // median; 0 for a yardstick
	Ratio                  float64 // of the median to the median of the yardstick
	Asked, Lost            int
	Rest                   *rest
	Missing                string   // error of the latest visit
	Failures               []string // errors of visits that had begun
}

// summaries are in the order of programs and tools.
func (f *figures) summaries() (all []summary) {
	for _, v := range f.Visits {
		if !slices.ContainsFunc(all, func(s summary) bool { return s.Program == v.Program && s.Tool == v.Tool }) {
			all = append(all, f.summary(v.Program, v.Tool))
		}
	}
	slices.SortStableFunc(all, func(a, b summary) int { return order(a.Program, a.Tool) - order(b.Program, b.Tool) })
	return all
}

func (f *figures) summary(program, tool string) summary {
	s := summary{Program: program, Tool: tool}
	var starts, took []float64
	for _, v := range f.of(program, tool) {
		s.Version, s.Missing = v.Version, v.Missing
		if v.Rest != nil {
			s.Rest = v.Rest
		}
		if v.Start > 0 {
			starts = append(starts, v.Start)
			if v.Missing != "" {
				s.Failures = append(s.Failures, v.Missing)
			}
		}
		for _, e := range v.Edits {
			took = append(took, e.Took)
			s.Asked += e.Asked
			s.Lost += e.Lost
		}
	}
	s.Edits, s.Median, s.P95, s.Start = len(took), quantile(took, 0.5), quantile(took, 0.95), quantile(starts, 0.5)
	s.Ratio = 1
	if yardstick := yardstickOf(program); tool != yardstick {
		s.Ratio = s.Median / f.summary(program, yardstick).Median
	}
	return s
}

// yardstickOf returns the name of what the tools are compared with.
func yardstickOf(program string) string {
	if program == "sighup" {
		return bareStart
	}
	return bareBuild
}

// String is a line for the user who waits.
func (v visit) String() string {
	text := fmt.Sprintf("%s: %s:", v.Program, v.Tool)
	for _, e := range v.Edits {
		text += fmt.Sprintf(" %.0f", e.Took)
	}
	return strings.TrimSpace(text + " " + v.Missing)
}

// quantile returns 0 if there are no values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[int(q*float64(len(values)-1)+0.5)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func megabytes(kib int) float64 { return float64(kib) * 1024 / 1e6 }
