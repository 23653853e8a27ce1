package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	timeout = time.Minute            // bounds each wait
	pause   = 400 * time.Millisecond // between two yardsticks
	linger  = 300 * time.Millisecond // for which the load continues after an edit is served
)

// running is a tool and the program that it runs.
type running struct {
	tool    tool
	cmd     *exec.Cmd
	mark    string // of bench
	address string
	status  string // path of the status file
	project *project
	text    string        // answer of the program
	exited  chan struct{} // closed when the tool has exited
}

// start edits a program, runs a tool with it, in a process group of its own,
// and measures the time until the program answers.
func (b *bench) start(path string, t tool, p *project) (r *running, took time.Duration, err error) {
	r = &running{tool: t, project: p, mark: b.mark, text: newText(), exited: make(chan struct{}), status: p.dir + ".status"}
	if slices.Contains(t.args, "SERVER") {
		r.text, err = p.build()
	} else {
		err = p.setText(r.text)
	}
	if err != nil {
		return nil, 0, err
	}
	for name, content := range t.files {
		if err := p.write(name, content); err != nil {
			return nil, 0, err
		}
	}
	if r.address, err = freeAddress(); err != nil {
		return nil, 0, err
	}
	r.cmd = exec.Command(path)
	for _, arg := range t.args {
		r.cmd.Args = append(r.cmd.Args, strings.NewReplacer("ADDRESS", r.address, "STATUS", r.status, "SERVER", p.binary()).Replace(arg))
	}
	r.cmd.Dir, r.cmd.Env = p.dir, append(os.Environ(), "ADDRESS="+r.address)
	out, err := os.Create(p.dir + ".output")
	if err != nil {
		return nil, 0, err
	}
	defer out.Close()
	r.cmd.Stdout, r.cmd.Stderr = out, out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() { r.cmd.Wait(); close(r.exited) }() // ends with the tool
	if err := r.awaitFirstAnswer(); err != nil {
		r.stop()
		return nil, 0, r.explain(err)
	}
	return r, time.Since(began), nil
}

// explain adds to an error the last lines that the tool has printed.
func (r *running) explain(err error) error {
	out, _ := os.ReadFile(r.project.dir + ".output")
	return fmt.Errorf("%w; its output: %s", err, lastLines(string(out)))
}

func (r *running) awaitFirstAnswer() error {
	for end := time.Now().Add(2 * timeout); time.Now().Before(end); {
		if text, _, err := ask(r.address); err == nil && text == r.text {
			return nil
		}
		select {
		case <-r.exited:
			return errors.New("it has exited")
		case <-time.After(2 * time.Millisecond):
		}
	}
	return errors.New("the program does not answer")
}

// stop sends SIGINT to the process group of the tool, as Ctrl-C does, and kills
// processes that do not exit or that are left behind.
func (r *running) stop() {
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-r.exited:
	case <-time.After(5 * time.Second):
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	}
	killMarked(r.mark)
	<-r.exited
	for name := range r.tool.files {
		os.Remove(filepath.Join(r.project.dir, name))
	}
	if r.tool.binary != "" {
		os.RemoveAll(filepath.Join(r.project.dir, r.tool.binary))
	}
}

func (r *running) toolProcesses() []int {
	_, program, _ := ask(r.address)
	return treeWithout(r.cmd.Process.Pid, program)
}

// rest is the usage of a tool and, for a time, of an idle tool.
type rest struct {
	usage
	CPU   float64 `json:"cpu_us_while"`
	Wakes int     `json:"wakeups_while"`
}

func (r *running) measureRest(d time.Duration) *rest {
	time.Sleep(12 * time.Second) // for what the tool does once after a start: hotstart calls a program stable after 10 s
	awaitRest(r.toolProcesses)
	pids := r.toolProcesses()
	before := measure(pids)
	time.Sleep(d)
	after := measure(pids)
	return &rest{usage: after, CPU: after.CPU - before.CPU, Wakes: after.Wakes - before.Wakes}
}

// trigger makes a tool start a program again and measures the time until the
// new program serves.
type trigger func(r *running, l *load) (time.Duration, error)

func (r *running) edit(t trigger) (edit, error) {
	l := startLoad(r.address)
	took, err := t(r, l)
	time.Sleep(linger)
	asked, lost := l.stop()
	if err != nil {
		return edit{}, r.explain(err)
	}
	return edit{Took: milliseconds(took), Asked: asked, Lost: lost}, nil
}

func save(r *running, l *load) (time.Duration, error) {
	r.text = newText()
	began := time.Now()
	if err := r.project.setText(r.text); err != nil {
		return 0, err
	}
	for time.Since(began) < timeout {
		if at, ok := l.first(r.text); ok {
			return at.Sub(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, errors.New("the edit was never served")
}

// hangUp sends SIGHUP and waits until the status file names a new worker.
func hangUp(r *running, _ *load) (time.Duration, error) {
	before, began := r.generation(), time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return 0, err
	}
	for time.Since(began) < timeout {
		if r.generation() > before {
			return time.Since(began), nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return 0, errors.New("no new worker")
}

// generation is the highest one in the status file, whose lines are
// GENERATION:PID.
func (r *running) generation() (highest int) {
	b, _ := os.ReadFile(r.status)
	for line := range strings.Lines(string(b)) {
		text, _, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(text)
		highest = max(highest, n)
	}
	return highest
}

// newText is a word that no program has answered with before.
func newText() string { return "t" + strconv.FormatInt(time.Now().UnixNano(), 36) }

// freeAddress returns an address on which no program listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
