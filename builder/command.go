package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// grace is how long the go command gets to end and to remove its temporary files after
// an interrupt. It needs a few ms; a C compiler or a linker under it may need more.
const grace = 2 * time.Second

// gogc is the garbage collection of the go command, the compiler and the linker. It has
// them take 5 to 12 % less of the processor than the usual 100 does, and the linker, which
// needs the most memory, at most a tenth more of that. (off is no better.)
const gogc = "400"

// goCommand runs the go command in one place.
type goCommand struct {
	path string
	dir  string // absolute, as the user sees it
	env  []string
	tmp  string // existing directory for temporary files; "": the user's own
	idle bool   // run at the lowest priority

	stderr io.Writer // what is said there, as it comes; nil: run returns it
}

func newGoCommand(o Options) (goCommand, error) {
	dir, err := filepath.Abs(o.Dir) // Getwd, and so Abs, believes PWD: symbolic links stay
	if err != nil {
		return goCommand{}, fmt.Errorf("finding the directory %q: %w", o.Dir, err)
	}
	if info, err := os.Stat(dir); err != nil {
		return goCommand{}, fmt.Errorf("finding the directory %q: %w", o.Dir, err)
	} else if !info.IsDir() {
		return goCommand{}, fmt.Errorf("building in %q: not a directory", o.Dir)
	}
	path, err := findGo(o.Go)
	if err != nil {
		return goCommand{}, err
	}
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	// The go command too names files by PWD. A GOGC of the user's comes later, and wins.
	env = slices.Concat([]string{"GOGC=" + gogc}, env, []string{"PWD=" + dir})
	return goCommand{path: path, dir: dir, env: env}, nil
}

func findGo(name string) (string, error) {
	hint := "set PATH to include its bin directory, or install Go from https://go.dev/dl/"
	if name == "" {
		name = "go"
	}
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", &hinted{fmt.Sprintf("no go command: %q is not in PATH", name), hint}
	}
	if err != nil {
		return "", &hinted{fmt.Sprintf("no go command: %v", err), hint}
	}
	return filepath.Abs(path)
}

// run runs the go command and waits for its end. When ctx is done, it interrupts the
// whole process group, kills it after a grace, and returns an error that wraps ctx.Err().
func (g goCommand) run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	if err := ctx.Err(); err != nil {
		return "", "", err
	}
	cmd := exec.CommandContext(ctx, g.path, args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	if g.tmp != "" {
		// One for each run, since an interrupted go command may leave something.
		tmp, err := os.MkdirTemp(g.tmp, "tmp-")
		if err != nil {
			return "", "", err
		}
		defer os.RemoveAll(tmp)
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "GOTMPDIR="+tmp)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs // stdin is /dev/null
	if g.stderr != nil {
		cmd.Stderr = g.stderr
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = grace
	if err = cmd.Start(); err == nil {
		if g.idle {
			_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, 19) // or it is as others are
		}
		err = cmd.Wait()
	}
	if errors.Is(err, syscall.ENOENT) && !isDir(g.dir) {
		err = fmt.Errorf("finding the directory %q: %w", g.dir, syscall.ENOENT) // the error itself blames the go command
	}
	if ctx.Err() != nil && cmd.Process != nil {
		// Whoever ignored the interrupt. The group's number can't be another's yet
		// unless the group is empty and all other process ids were used since.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		err = ctx.Err()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well, but left somebody who holds the pipes
	}
	return out.String(), errs.String(), err
}
