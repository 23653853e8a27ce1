package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ran is hotstart run, told by deployments: each version is a folder with the
// program and its environment, to which a link is switched before SIGHUP.
var ran = &patient{
	command: "run",
	program: "chaos-run",
	begin:   beginRun,
	save:    func(c *chaos, behaviour string) error { return c.deploy(behaviour, c.linked) },
	home:    (*chaos).releases,
	strays:  true,
	faults: []fault{
		{"many SIGHUPs", manyHangUps},
		{"program missing", deploying(func(c *chaos, name string) error { return nil })},
		{"program is none", deploying(writeText)},
		{"program not executable", deploying(unexecutable)},
		{"program being written", beingWritten},
		{"environment away", environmentAway},
		{"environment unreadable", environmentUnreadable},
		{"log's command killed", killLogger},
		{"log opened again", func(c *chaos) (func() error, error) { return nil, c.session.cmd.Process.Signal(syscall.SIGUSR1) }},
		{"restarted by another", restartByAnother},
		{"hotstart stands still", standStill},
	},
}

func beginRun(b *bench, c *chaos) (*session, error) {
	build := exec.Command("go", "build", "-o", c.built())
	build.Dir = c.project.dir
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	c.version++
	if err := c.release("good", c.linked); err != nil {
		return nil, err
	}
	current := filepath.Join(c.releases(), "current")
	argv := append(obedient(), b.hotstart, "run", "--port="+c.address, "--ready=auto", "--interval=300ms",
		"--stop-timeout="+stopTimeout.String(), "--ready-timeout=3s", "--log-file=| exec cat >&2", "--envdir="+filepath.Join(current, "env"))
	argv = append(append(argv, c.files()...), "--", filepath.Join(current, "server"))
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = c.project.dir, append(os.Environ(), "ADDRESS="+c.address, "TMPDIR="+c.tmp)
	return newSession(cmd, "starting new worker", "new worker is now running")
}

func (c *chaos) built() string    { return filepath.Join(c.project.dir, "built") }
func (c *chaos) releases() string { return filepath.Join(c.project.dir, "releases") }

// files are the options that another hotstart needs to find this one.
func (c *chaos) files() []string {
	return []string{"--pid-file=" + filepath.Join(c.tmp, "pid"), "--status-file=" + filepath.Join(c.tmp, "status")}
}

// deploy releases a version and has hotstart load it.
func (c *chaos) deploy(behaviour string, install func(name string) error) error {
	if err := c.release(behaviour, install); err != nil {
		return err
	}
	return c.hangUp()
}

// release makes the folder of a version, and the current one of it.
func (c *chaos) release(behaviour string, install func(name string) error) error {
	dir := c.folder(c.version)
	env := filepath.Join(dir, "env")
	if err := os.MkdirAll(env, 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{"RELEASE": c.text(), "BEHAVIOUR": behaviour} {
		if err := os.WriteFile(filepath.Join(env, name), []byte(value+"\n"), 0o644); err != nil {
			return err
		}
	}
	if err := install(filepath.Join(dir, "server")); err != nil {
		return err
	}
	link := filepath.Join(c.releases(), "next")
	if err := os.Symlink(dir, link); err != nil {
		return err
	}
	return errors.Join(os.Rename(link, filepath.Join(c.releases(), "current")), os.RemoveAll(c.folder(c.version-10)))
}

func (c *chaos) folder(version int) string { return filepath.Join(c.releases(), fmt.Sprint(version)) }

func (c *chaos) linked(name string) error { return os.Link(c.built(), name) }

// deploying releases something that can't be run.
func deploying(install func(c *chaos, name string) error) func(c *chaos) (func() error, error) {
	return func(c *chaos) (func() error, error) {
		c.version++
		return nil, c.deploy("good", func(name string) error { return install(c, name) })
	}
}

func writeText(_ *chaos, name string) error {
	return os.WriteFile(name, []byte("not a program\n"), 0o755)
}

func unexecutable(c *chaos, name string) error { return copyFile(c.built(), name, 0o644) }

func copyFile(from, to string, mode os.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, mode)
}

// beingWritten releases a program that its writer still holds.
func beingWritten(c *chaos) (func() error, error) {
	c.version++
	var writer *os.File
	err := c.deploy("good", func(name string) (err error) {
		if err = copyFile(c.built(), name, 0o755); err == nil {
			writer, err = os.OpenFile(name, os.O_WRONLY, 0)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return writer.Close, nil
}

func manyHangUps(c *chaos) (func() error, error) {
	for range 20 {
		if err := c.hangUp(); err != nil {
			return nil, err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, nil
}

func environmentAway(c *chaos) (func() error, error) {
	env := filepath.Join(c.folder(c.version), "env")
	if err := os.Rename(env, env+"-away"); err != nil {
		return nil, ignoreMissing(err) // it is away already
	}
	return func() error { return os.Rename(env+"-away", env) }, c.hangUp()
}

func environmentUnreadable(c *chaos) (func() error, error) {
	name := filepath.Join(c.folder(c.version), "env", "RELEASE")
	if err := os.Chmod(name, 0); err != nil {
		return nil, ignoreMissing(err)
	}
	return func() error { return ignoreMissing(os.Chmod(name, 0o644)) }, c.hangUp()
}

// killLogger kills the command that the log goes to.
func killLogger(c *chaos) (func() error, error) {
	for _, pid := range children()[c.session.cmd.Process.Pid] {
		if commandOf(pid) == "cat" {
			return nil, ignoreGone(syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	return nil, nil // killed a moment ago
}

// restartByAnother asks as a deployment script does. What is there may be
// unable to start: then the wait ends with an error, which is right.
func restartByAnother(c *chaos) (func() error, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", c.session.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	args := append([]string{"run", "--restart", "--restart-timeout=3s"}, c.files()...)
	out, err := exec.CommandContext(ctx, exe, args...).CombinedOutput()
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("--restart does not end: %s", strings.TrimSpace(string(out)))
	}
	return nil, nil
}

// standStill stops hotstart itself for a while.
func standStill(c *chaos) (func() error, error) {
	if err := c.session.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond)
	return nil, c.session.cmd.Process.Signal(syscall.SIGCONT)
}
