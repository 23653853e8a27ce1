//go:build e2e && linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// chaosWatch is hotstart watch, to which edits deploy code.
var chaosWatch = &chaosCommand{
	name:     "watch",
	start:    startChaosWatch,
	save:     func(c *chaos, behavior string) { c.saveSource(behavior, "") },
	binaries: func(c *chaos) string { return c.tmp },
	faults: []fault{
		{"syntax error", savingCode("\nfunc {")},
		{"type error", savingCode("\nvar x int = text\n")},
		{"kill the go command", killGo},
		{"file with an old time", oldFile},
		{"event queue overflows", overflowQueue},
		{"project renamed", renameProject},
		{"source unreadable", unreadableSource},
		{"source removed", removeSource},
	},
}

func startChaosWatch(c *chaos) *session {
	c.save("good")
	env := []string{"ADDRESS=" + c.address, "TMPDIR=" + c.tmp, "GOTMPDIR="}
	return watch(c.T, c.project, respectingModes(), env, "--stop-timeout="+stopTimeout.String(), "--ready-timeout=3s")
}

// respectingModes returns a launcher without the capabilities by which root
// ignores the modes of files.
func respectingModes() []string {
	setpriv, err := exec.LookPath("setpriv")
	if os.Getuid() != 0 || err != nil {
		return nil
	}
	return []string{setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"}
}

func (c *chaos) mainFile() string { return filepath.Join(c.project.dir, "main.go") }

// saveSource writes the program, followed by some code.
func (c *chaos) saveSource(behavior, code string) {
	source := strings.NewReplacer("TEXT", c.text(), "BEHAVIOR", behavior).Replace(c.project.source)
	c.project.write(c.T, "main.go", source+code)
}

func savingCode(code string) func(c *chaos) func() {
	return func(c *chaos) func() {
		c.version++
		c.saveSource("good", code)
		return nil
	}
}

// killGo kills the go command that an edit starts, if there is one.
func killGo(c *chaos) func() {
	c.save("good")
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for _, pid := range descendants(c.session.cmd.Process.Pid) {
			if commandOf(pid) == "go" {
				syscall.Kill(pid, syscall.SIGKILL)
				return nil
			}
		}
	}
	return nil
}

// oldFile saves code with a time before that of all previous code, as tar(1)
// does, or an editor before the clock was set.
func oldFile(c *chaos) func() {
	c.save("good")
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	c.checkUnless(os.ErrNotExist, os.Chtimes(c.mainFile(), old, old))
	return nil
}

// overflowQueue causes more events than the kernel keeps for a hotstart that
// does not read them.
func overflowQueue(c *chaos) func() {
	c.signal(syscall.SIGSTOP)
	defer c.signal(syscall.SIGCONT)
	name := filepath.Join(c.project.dir, "noise")
	for range 6000 { // create, write, close and remove, for a queue of 16384 events
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			return nil // the folder is renamed
		}
		os.Remove(name)
	}
	c.save("good")
	return nil
}

func renameProject(c *chaos) func() {
	away := c.project.dir + "-away"
	c.check(os.Rename(c.project.dir, away))
	time.Sleep(200 * time.Millisecond)
	c.check(os.Rename(away, c.project.dir))
	return nil
}

func unreadableSource(c *chaos) func() {
	c.save("good")
	c.check(os.Chmod(c.mainFile(), 0))
	return func() { c.checkUnless(os.ErrNotExist, os.Chmod(c.mainFile(), 0o644)) }
}

func removeSource(c *chaos) func() {
	c.checkUnless(os.ErrNotExist, os.Remove(c.mainFile()))
	return nil
}
