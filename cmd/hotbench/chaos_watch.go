package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// watching is hotstart watch, told by edits.
var watching = &patient{
	command: "watch",
	program: "chaos-watch",
	begin:   beginWatch,
	save:    func(c *chaos, behaviour string) error { return c.saveSource(behaviour, "") },
	home:    func(c *chaos) string { return c.tmp },
	faults: []fault{
		{"syntax error", writing("\nfunc {")},
		{"type error", writing("\nvar x int = text\n")},
		{"kill the go command", killGo},
		{"clock of a file steps back", oldFile},
		{"event queue overflows", overflow},
		{"project renamed", renameProject},
		{"source unreadable", unreadable},
		{"source removed", removeSource},
	},
}

func beginWatch(b *bench, c *chaos) (*session, error) {
	if err := c.save("good"); err != nil {
		return nil, err
	}
	env := []string{"ADDRESS=" + c.address, "TMPDIR=" + c.tmp, "GOTMPDIR="}
	return b.watchBy(obedient(), c.project, env, "--stop-timeout="+stopTimeout.String(), "--ready-timeout=3s")
}

// saveSource writes the program, with some code after it.
func (c *chaos) saveSource(behaviour, code string) error {
	source := strings.NewReplacer("TEXT", c.text(), "BEHAVIOUR", behaviour).Replace(c.project.source)
	return c.project.file("main.go", source+code)
}

func writing(code string) func(c *chaos) (func() error, error) {
	return func(c *chaos) (func() error, error) {
		c.version++
		return nil, c.saveSource("good", code)
	}
}

// killGo kills the go command that an edit has started, if it is still there.
func killGo(c *chaos) (func() error, error) {
	if err := c.save("good"); err != nil {
		return nil, err
	}
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, pid := range descendants(c.session.cmd.Process.Pid) {
			if commandOf(pid) == "go" {
				return nil, ignoreGone(syscall.Kill(pid, syscall.SIGKILL))
			}
		}
	}
	return nil, nil
}

// oldFile saves code that is older than all before it, as a file has it that
// came out of an archive, or was written before the clock was set.
func oldFile(c *chaos) (func() error, error) {
	if err := c.save("good"); err != nil {
		return nil, err
	}
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	return nil, ignoreMissing(os.Chtimes(filepath.Join(c.project.dir, "main.go"), old, old))
}

// overflow makes more events than the kernel keeps for a hotstart that does
// not read them.
func overflow(c *chaos) (func() error, error) {
	hotstart := c.session.cmd.Process
	if err := hotstart.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	defer hotstart.Signal(syscall.SIGCONT)
	name := filepath.Join(c.project.dir, "noise")
	for range 6000 { // create, write, close, remove: of 16384 events
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			return nil, nil // the folder is away
		}
		os.Remove(name)
	}
	return nil, c.save("good")
}

func renameProject(c *chaos) (func() error, error) {
	away := c.project.dir + "-away"
	if err := os.Rename(c.project.dir, away); err != nil {
		return nil, ignoreMissing(err)
	}
	time.Sleep(200 * time.Millisecond)
	return nil, os.Rename(away, c.project.dir)
}

func unreadable(c *chaos) (func() error, error) {
	name := filepath.Join(c.project.dir, "main.go")
	if err := c.save("good"); err != nil {
		return nil, err
	}
	return func() error { return ignoreMissing(os.Chmod(name, 0o644)) }, os.Chmod(name, 0)
}

func removeSource(c *chaos) (func() error, error) {
	return nil, ignoreMissing(os.Remove(filepath.Join(c.project.dir, "main.go")))
}
