package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hangups are what superdaemons do at SIGHUP, in turn.
type hangups struct {
	Machine machine     `json:"machine"`
	Start   []float64   `json:"program_start_ms"` // from its start to its first answer, with no tool
	Daemons []*daemoned `json:"daemons"`
}

type daemoned struct {
	Name    string    `json:"name"`
	Current []float64 `json:"current_ms"` // from SIGHUP to the status file that names the new worker
	Answer  []float64 `json:"answer_ms"`  // from SIGHUP to the first answer of the new worker
	Asked   int       `json:"asked"`
	Lost    int       `json:"lost"`
	Missing string    `json:"missing,omitempty"`
}

// daemon is one that runs.
type daemon struct {
	*daemoned
	*running
	status string // its status file
}

// runHangup measures hotstart run beside Perl's start_server: from SIGHUP to
// the new worker's being the current one.
func runHangup(args []string) error {
	flags := flag.NewFlagSet("hangup", flag.ContinueOnError)
	times := flags.Int("n", 20, "SIGHUPs to each")
	binary := flags.String("hotstart", "", "the hotstart to measure; built from this checkout if empty")
	out := flags.String("out", defaultOut(), "folder for the figures")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(*binary)
	if err != nil {
		return err
	}
	defer b.close()
	h := hangups{Machine: thisMachine()}
	if err := b.hangups(&h, *times); err != nil {
		return err
	}
	for _, d := range h.Daemons {
		fmt.Printf("%-24s current %6.0f ms, first answer %6.0f ms, %d of %d lost %s\n",
			d.Name, quantile(d.Current, 0.5), quantile(d.Answer, 0.5), d.Lost, d.Asked, d.Missing)
	}
	fmt.Printf("%-24s %6.0f ms\n", "the program by itself", quantile(h.Start, 0.5))
	return writeJSON(filepath.Join(*out, "hangup.json"), h)
}

func (b *bench) hangups(h *hangups, times int) error {
	mod := "module example.com/bench\n\ngo 1.25.0\n\nrequire github.com/hotstart/hotstart v0.0.0\n\n" +
		"replace github.com/hotstart/hotstart => " + b.checkout + "\n"
	p, err := writeProject(filepath.Join(b.dir, "heir"), "main.go", "heir", mod)
	if err != nil {
		return err
	}
	text := newText()
	server, err := buildAlone(p, text)
	if err != nil {
		return err
	}
	if h.Start, err = startAlone(server, times); err != nil {
		return err
	}
	var daemons []*daemon
	for _, command := range [][]string{{b.hotstart, "run", "--ready=auto"}, {b.hotstart, "run"}, {"start_server"}} {
		d := &daemon{daemoned: &daemoned{Name: strings.Join(append([]string{filepath.Base(command[0])}, command[1:]...), " ")}}
		h.Daemons = append(h.Daemons, d.daemoned)
		if err := d.start(p, server, text, command); err != nil {
			d.Missing = err.Error()
			continue
		}
		defer d.stop(tool{})
		daemons = append(daemons, d)
	}
	for range times {
		for _, d := range daemons {
			if err := d.hangup(); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return nil
}

// start has the daemon run the server. Each has a folder of its own for its
// status file.
func (d *daemon) start(p *project, server, text string, command []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(p.dir), "daemon-")
	if err != nil {
		return err
	}
	d.status = filepath.Join(dir, "status")
	args := append(command[1:], "--port=ADDRESS", "--status-file="+d.status, "--", server)
	if d.running, _, err = launch(path, tool{args: args}, p, text); err != nil {
		return err
	}
	_, err = d.await(time.Now(), func() bool { return d.newest() > 0 })
	return err
}

// hangup sends SIGHUP, and waits for the new worker both ways.
func (d *daemon) hangup() error {
	before := d.newest()
	_, old, err := ask(d.address)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := syscall.Kill(d.cmd.Process.Pid, syscall.SIGHUP); err != nil {
		return err
	}
	answers := make(chan time.Duration)
	go func() { // ends with its one answer
		took, _ := d.await(began, func() bool {
			_, pid, err := ask(d.address)
			d.Asked++
			if err != nil {
				d.Lost++
			}
			return err == nil && pid != old
		})
		answers <- took
	}()
	current, err := d.await(began, func() bool { return d.newest() > before })
	d.Current, d.Answer = append(d.Current, millis(current)), append(d.Answer, millis(<-answers))
	time.Sleep(2 * breath) // the old worker leaves
	return err
}

// await looks every half a millisecond until something is so.
func (d *daemon) await(began time.Time, so func() bool) (time.Duration, error) {
	for time.Since(began) < patience {
		if so() {
			return time.Since(began), nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, fmt.Errorf("no new worker; it said: %s", d.said.last())
}

// newest is the highest generation in the status file, whose lines are
// GENERATION:PID.
func (d *daemon) newest() (newest int) {
	b, _ := os.ReadFile(d.status)
	for line := range strings.Lines(string(b)) {
		generation, _, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(generation)
		newest = max(newest, n)
	}
	return newest
}
