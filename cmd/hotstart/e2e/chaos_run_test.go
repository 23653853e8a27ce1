//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// chaosRun is hotstart run, to which releases deploy code: each version is a
// folder with the program and its environment, to which a symbolic link is
// switched before SIGHUP.
var chaosRun = &chaosCommand{
	name:        "run",
	start:       startChaosRun,
	save:        func(c *chaos, behavior string) { c.deploy(behavior, linkBuilt) },
	binaries:    (*chaos).releases,
	keepsStrays: true,
	faults: []fault{
		{"many SIGHUPs", manyHangups},
		{"program missing", deploying(func(*chaos, string) {})},
		{"not a program", deploying(writeText)},
		{"program not executable", deploying(copyWithoutExecute)},
		{"program being written", programBeingWritten},
		{"environment missing", environmentMissing},
		{"environment unreadable", environmentUnreadable},
		{"log command killed", killLogCommand},
		{"log reopened", func(c *chaos) func() { c.signal(syscall.SIGUSR1); return nil }},
		{"restarted by another hotstart", restartByAnother},
		{"hotstart stopped", stopHotstart},
	},
}

func startChaosRun(c *chaos) *session {
	c.project.build(c.T)
	c.version++
	c.release("good", linkBuilt)
	current := filepath.Join(c.releases(), "current")
	argv := append(respectingModes(), hotstart, "run", "--port="+c.address, "--ready=auto", "--interval=300ms",
		"--stop-timeout="+stopTimeout.String(), "--ready-timeout=3s", "--log-file=| exec cat >&2", "--envdir="+filepath.Join(current, "env"))
	argv = append(append(argv, c.filesOfRun()...), "--", filepath.Join(current, "server"))
	return superdaemon(c.T, c.project.dir, argv, []string{"ADDRESS=" + c.address, "TMPDIR=" + c.tmp})
}

func (c *chaos) built() string    { return filepath.Join(c.project.dir, "program") }
func (c *chaos) releases() string { return filepath.Join(c.project.dir, "releases") }
func (c *chaos) releaseDir(version int) string {
	return filepath.Join(c.releases(), fmt.Sprint(version))
}

// filesOfRun are the options by which another hotstart finds this one.
func (c *chaos) filesOfRun() []string {
	return []string{"--pid-file=" + filepath.Join(c.tmp, "pid"), "--status-file=" + filepath.Join(c.tmp, "status")}
}

// deploy makes a release and reloads hotstart.
func (c *chaos) deploy(behavior string, install func(c *chaos, name string)) {
	c.release(behavior, install)
	c.signal(syscall.SIGHUP)
}

// release makes the folder of a version and switches the link to it.
func (c *chaos) release(behavior string, install func(c *chaos, name string)) {
	dir := c.releaseDir(c.version)
	env := filepath.Join(dir, "env")
	c.check(os.MkdirAll(env, 0o755))
	for name, value := range map[string]string{"RELEASE": c.text(), "BEHAVIOR": behavior} {
		c.check(os.WriteFile(filepath.Join(env, name), []byte(value+"\n"), 0o644))
	}
	install(c, filepath.Join(dir, "server"))
	link := filepath.Join(c.releases(), "next")
	c.check(os.Symlink(dir, link))
	c.check(os.Rename(link, filepath.Join(c.releases(), "current")))
	c.check(os.RemoveAll(c.releaseDir(c.version - 10)))
}

func linkBuilt(c *chaos, name string) { c.check(os.Link(c.built(), name)) }

// deploying deploys a release that can't be executed.
func deploying(install func(c *chaos, name string)) func(c *chaos) func() {
	return func(c *chaos) func() {
		c.version++
		c.deploy("good", install)
		return nil
	}
}

func writeText(c *chaos, name string) {
	c.check(os.WriteFile(name, []byte("not a program\n"), 0o755))
}

func copyWithoutExecute(c *chaos, name string) { c.copyBuilt(name, 0o644) }

func (c *chaos) copyBuilt(name string, mode os.FileMode) {
	content, err := os.ReadFile(c.built())
	c.check(err)
	c.check(os.WriteFile(name, content, mode))
}

// programBeingWritten deploys a program that is still open for writing.
func programBeingWritten(c *chaos) (undo func()) {
	c.version++
	c.deploy("good", func(c *chaos, name string) {
		c.copyBuilt(name, 0o755)
		writer, err := os.OpenFile(name, os.O_WRONLY, 0)
		c.check(err)
		undo = func() { c.check(writer.Close()) }
	})
	return undo
}

func manyHangups(c *chaos) func() {
	for range 20 {
		c.signal(syscall.SIGHUP)
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

func environmentMissing(c *chaos) func() {
	env := filepath.Join(c.releaseDir(c.version), "env")
	if err := os.Rename(env, env+"-away"); err != nil {
		c.checkUnless(os.ErrNotExist, err)
		return nil
	}
	c.signal(syscall.SIGHUP)
	return func() { c.check(os.Rename(env+"-away", env)) }
}

func environmentUnreadable(c *chaos) func() {
	name := filepath.Join(c.releaseDir(c.version), "env", "RELEASE")
	if err := os.Chmod(name, 0); err != nil {
		c.checkUnless(os.ErrNotExist, err)
		return nil
	}
	c.signal(syscall.SIGHUP)
	return func() { c.checkUnless(os.ErrNotExist, os.Chmod(name, 0o644)) }
}

// killLogCommand kills the command that the log is piped to.
func killLogCommand(c *chaos) func() {
	for _, pid := range children()[c.session.cmd.Process.Pid] {
		if commandOf(pid) == "cat" {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return nil
}

// restartByAnother runs hotstart run --restart, as a deployment script does. It
// may fail, because the current release may be unable to start, but must end.
func restartByAnother(c *chaos) func() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	args := append([]string{"run", "--restart", "--restart-timeout=3s"}, c.filesOfRun()...)
	if out, err := exec.CommandContext(ctx, hotstart, args...).CombinedOutput(); err != nil && ctx.Err() != nil {
		c.Fatalf("--restart does not end: %s", strings.TrimSpace(string(out)))
	}
	return nil
}

// stopHotstart stops hotstart itself for a while.
func stopHotstart(c *chaos) func() {
	c.signal(syscall.SIGSTOP)
	time.Sleep(300 * time.Millisecond)
	c.signal(syscall.SIGCONT)
	return nil
}
