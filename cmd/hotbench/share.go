package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// shares tell where the time of an edit goes, and what a tool does about
// changes that are none. The program is the small one.
type shares struct {
	Machine machine    `json:"machine"`
	Start   []float64  `json:"program_start_ms"` // from its start to its first answer, with no tool
	Tools   []toolTime `json:"tools"`
}

type toolTime struct {
	Tool    string   `json:"tool"`
	Edits   []parts  `json:"edits"`
	Changes []change `json:"changes"`
}

// parts are those of the time from a save to the first new answer.
type parts struct {
	Took float64 `json:"ms"`
	Go   float64 `json:"go_ms"` // while a go command ran
}

// change is one kind of change that makes no other program, made several
// times.
type change struct {
	Kind     string  `json:"kind"`
	Times    int     `json:"times"`
	CPU      float64 `json:"cpu_us"` // of the tool's own processes, for all
	Builds   int     `json:"go_commands"`
	Restarts int     `json:"restarts"`
}

// own is what a tool takes for itself at the median: what is left of the time
// when no go command runs and the program does not start.
func (s shares) own(t toolTime) float64 {
	var rest []float64
	for _, e := range t.Edits {
		rest = append(rest, e.Took-e.Go)
	}
	return quantile(rest, 0.5) - quantile(s.Start, 0.5)
}

// runShare measures by a go command that writes down when it ran. That adds
// some ms to every one of its runs, so no other figure comes from here.
func runShare(args []string) error {
	flags := flag.NewFlagSet("share", flag.ContinueOnError)
	names := flags.String("tools", plain+";air;air, delay 0", "tools to measure; where no go command runs, all counts as the tool's own")
	edits := flags.Int("edits", 15, "edits to measure, after one that is not")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	out := flags.String("out", defaultOut(), "folder for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := named(tools(), *names)
	if err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	p, err := makeSmall(filepath.Join(b.dir, "small"))
	if err != nil {
		return err
	}
	s := shares{Machine: thisMachine()}
	server, err := buildAlone(p, newText())
	if err != nil {
		return err
	}
	if s.Start, err = startAlone(server, *edits); err != nil {
		return err
	}
	for _, t := range chosen {
		one, err := b.share(t, p, *edits)
		if err != nil {
			fmt.Fprintf(os.Stderr, "measuring %s: %v\n", t.name, err)
			continue
		}
		s.Tools = append(s.Tools, one)
		fmt.Printf("%s: %.1f ms of its own\n", t.name, s.own(one))
		for _, c := range one.Changes {
			fmt.Printf("  %-36s x%d: %6.0f us of CPU, %d go commands, %d restarts\n", c.Kind, c.Times, c.CPU, c.Builds, c.Restarts)
		}
	}
	if len(s.Tools) == 0 {
		return errors.New("no tool could be measured")
	}
	return writeJSON(filepath.Join(*out, "share.json"), s)
}

// buildAlone builds a program with a text in it as hotstart would.
func buildAlone(p *project, text string) (server string, err error) {
	server = filepath.Join(p.dir, "..", "alone")
	if err := p.write(text); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", server, ".")
	build.Dir = p.dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %s", lastLines(out))
	}
	return server, nil
}

// startAlone times what a program itself needs from its start to its first
// answer.
func startAlone(server string, times int) (all []float64, err error) {
	for range times {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(server)
		cmd.Env = append(os.Environ(), "ADDRESS="+address)
		began := time.Now()
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		for _, _, err := ask(address); err != nil && time.Since(began) < patience; _, _, err = ask(address) {
			time.Sleep(200 * time.Microsecond)
		}
		all = append(all, millis(time.Since(began)))
		cmd.Process.Kill()
		cmd.Wait()
	}
	return all, nil
}

// share measures one tool.
func (b *bench) share(t tool, p *project, edits int) (one toolTime, err error) {
	one.Tool = t.name
	path, _, err := b.command(t)
	if err != nil {
		return one, err
	}
	dir, err := os.MkdirTemp(b.dir, "share-")
	if err != nil {
		return one, err
	}
	w, err := newWrapped(dir)
	if err != nil {
		return one, err
	}
	env, err := w.env()
	if err != nil {
		return one, err
	}
	r, _, err := start(path, t, p, env...)
	if err != nil {
		return one, err
	}
	defer r.stop(t)
	for i := range edits + 1 {
		settle(r.alone)
		began := time.Now()
		took, err := r.saveQuietly(newText())
		if err != nil {
			return one, err
		}
		time.Sleep(linger) // for the go command to write its line
		if i > 0 {
			one.Edits = append(one.Edits, parts{millis(took), millis(w.busy(began, began.Add(took)))})
		}
	}
	for _, kind := range r.nothings() {
		one.Changes = append(one.Changes, r.nothing(w, kind))
	}
	return one, nil
}

// saveQuietly is save with no load: it asks every ms.
func (r *running) saveQuietly(text string) (time.Duration, error) {
	began := time.Now()
	if err := r.project.write(text); err != nil {
		return 0, err
	}
	for time.Since(began) < patience {
		if answer, _, err := ask(r.address); err == nil && answer == text {
			r.edit = text
			return time.Since(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("the edit was never served; it said: %s", r.said.last())
}

// aNothing is a way to change something that leaves the program as it is.
type aNothing struct {
	kind   string
	change func(i int) error
}

func (r *running) nothings() []aNothing {
	p := r.project
	return []aNothing{
		{"a file in a folder of no package", func(i int) error { return p.mkfile("notes/todo.txt", fmt.Sprint(i)) }},
		{"an unrelated file next to main.go", func(i int) error { return p.file("todo.txt", fmt.Sprint(i)) }},
		{"a test next to main.go", func(i int) error { return p.file("main_test.go", fmt.Sprintf("package main\n\n// %d\n", i)) }},
		{"main.go with the same content", func(int) error { return p.write(r.edit) }},
		{"a comment at the end of main.go", func(i int) error {
			return p.file(p.edited, p.content(r.edit)+fmt.Sprintf("\n// %d\n", i))
		}},
	}
}

// nothing makes a no-op change a few times, and waits each time until
// the tool has done with it what it does.
func (r *running) nothing(w wrapped, n aNothing) change {
	c := change{Kind: n.kind, Times: 5}
	n.change(-1) // the first time a file or folder comes
	time.Sleep(2 * time.Second)
	settle(r.alone)
	pids, before, builds := r.alone(), 0.0, len(w.spans())
	before = measure(pids).CPU
	_, served, _ := ask(r.address)
	for i := range c.Times {
		n.change(i)
		time.Sleep(2 * time.Second) // air waits for one
		if _, now, err := ask(r.address); err != nil || now != served {
			c.Restarts++
			served = now
		}
	}
	c.CPU, c.Builds = measure(pids).CPU-before, len(w.spans())-builds
	return c
}

// quit has the tool, a Go program, print where its goroutines are, and die.
func (r *running) quit() { syscall.Kill(r.cmd.Process.Pid, syscall.SIGQUIT) }
