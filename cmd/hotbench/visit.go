package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// visit is one stay of one tool at one program: it is started, left alone for
// a while, and shown some edits. Only one tool runs at a time.
type visit struct {
	Program string    `json:"program"`
	Tool    string    `json:"tool"`
	Version string    `json:"version,omitempty"`
	At      time.Time `json:"at"`
	Start   float64   `json:"start_ms,omitempty"` // from its start to the first answer of the program
	Rest    *rested   `json:"rest,omitempty"`
	Edits   []edit    `json:"edits,omitempty"`
	Missing string    `json:"missing,omitempty"` // why there is nothing to measure
}

// edit is one save, and what came of it.
type edit struct {
	Took  float64 `json:"ms"` // to the first answer of the new program; of go build: its run
	Asked int     `json:"asked"`
	Lost  int     `json:"lost"`
}

// rested is a tool that has nothing to do.
type rested struct {
	usage
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu_us_while"`
	Wakes   int     `json:"wakeups_while"`
}

// running is a tool with the program that it runs.
type running struct {
	cmd     *exec.Cmd
	mark    string
	address string
	said    said
	ended   chan struct{} // closed when the tool has
	project *project
	edit    string // what the program answers by now
}

// start runs a tool on a project whose text was never built.
func start(path string, t tool, p *project, env ...string) (r *running, took time.Duration, err error) {
	text := newText()
	if err := p.write(text); err != nil {
		return nil, 0, err
	}
	return launch(path, t, p, text, env...)
}

// launch runs a tool, in a process group of its own, until the program
// answers with the text.
func launch(path string, t tool, p *project, text string, env ...string) (r *running, took time.Duration, err error) {
	r = &running{project: p, edit: text, mark: "HOTBENCH=" + newText(), ended: make(chan struct{})}
	if r.address, err = freeAddress(); err != nil {
		return nil, 0, err
	}
	for name, content := range t.files {
		if err := p.file(name, content); err != nil {
			return nil, 0, err
		}
	}
	r.cmd = exec.Command(path, t.args...)
	for i, arg := range t.args {
		r.cmd.Args[i+1] = strings.ReplaceAll(arg, "ADDRESS", r.address)
	}
	r.cmd.Dir = p.dir
	r.cmd.Env = append(append(os.Environ(), "ADDRESS="+r.address, r.mark), env...)
	r.cmd.Stdout, r.cmd.Stderr = &r.said, &r.said
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	r.cmd.WaitDelay = time.Second // what it leaves behind holds the pipe
	began := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() { r.cmd.Wait(); close(r.ended) }()
	if took, err = r.firstAnswer(began); err != nil {
		r.stop(t)
		return nil, 0, fmt.Errorf("%w; it said: %s", err, r.said.last())
	}
	return r, took, nil
}

// firstAnswer asks until the program answers, or the tool has ended.
func (r *running) firstAnswer(began time.Time) (time.Duration, error) {
	for time.Since(began) < 2*patience {
		if text, _, err := ask(r.address); err == nil && text == r.edit {
			return time.Since(began), nil
		}
		select {
		case <-r.ended:
			return 0, errors.New("it has ended")
		case <-time.After(2 * time.Millisecond):
		}
	}
	return 0, errors.New("the program never answered")
}

// stop asks the tool to end as a person would who presses Ctrl-C, and ends
// what does not, or stays behind.
func (r *running) stop(t tool) {
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-r.ended:
	case <-time.After(5 * time.Second):
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	}
	endMarked(r.mark)
	<-r.ended
	for name := range t.files {
		os.Remove(filepath.Join(r.project.dir, name))
	}
	if t.binary != "" {
		os.RemoveAll(filepath.Join(r.project.dir, t.binary))
	}
}

// alone lists the processes of the tool without those of its program.
func (r *running) alone() []int {
	_, pid, _ := ask(r.address)
	return toolAlone(r.cmd.Process.Pid, pid)
}

// rest measures what the tool takes while nothing happens.
func (r *running) rest(long time.Duration) *rested {
	time.Sleep(3 * time.Second) // what it does after a start
	settle(r.alone)
	pids := r.alone()
	before, began := measure(pids), time.Now()
	time.Sleep(long)
	after := measure(pids)
	return &rested{usage: after, Seconds: time.Since(began).Seconds(), CPU: after.CPU - before.CPU, Wakes: after.Wakes - before.Wakes}
}

// save makes one edit under a light load of new connections, and measures
// until the new program answers.
func (r *running) save() (edit, error) {
	text := newText()
	l := startLight(r.address, text)
	began := time.Now()
	err := r.project.write(text)
	var took time.Duration
	if err == nil {
		took, err = l.awaitNew(began)
	}
	asked, lost := l.stop()
	if err != nil {
		return edit{}, fmt.Errorf("%w; it said: %s", err, r.said.last())
	}
	r.edit = text
	return edit{Took: millis(took), Asked: asked, Lost: lost}, nil
}

// newText is a word that no program has held before.
func newText() string { return "t" + strconv.FormatInt(time.Now().UnixNano(), 36) }

// split reads an answer: a text, and the process that gave it.
func split(answer string) (text string, pid int) {
	text, number, _ := strings.Cut(answer, " ")
	pid, _ = strconv.Atoi(number)
	return text, pid
}
