// Package gotool runs the go command, and reads its environment, its flags and the build IDs
// of its programs.
package gotool

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
	"strings"
	"syscall"
	"time"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// grace is how long the go command gets to remove its temporary files and to exit after an
// interrupt. It needs a few milliseconds; a C compiler or a linker below it may need more.
const grace = 2 * time.Second

// gogc is the GOGC of the go command, the compiler and the linker. They use 5 to 12 % less
// CPU time than with 100. The linker, which needs the most memory, uses at most a tenth more.
// GOGC=off is not faster.
const gogc = "400"

func find(name string) (string, error) {
	const hint = "set PATH to include its bin directory, or install Go from https://go.dev/dl/"
	if name == "" {
		name = "go"
	}
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", WithHint(hint, "no go command: %q is not in PATH", name)
	}
	if err != nil {
		return "", WithHint(hint, "no go command: %v", err)
	}
	return filepath.Abs(path)
}

// Run runs the go command and waits until it exits. When ctx is done, Run interrupts the
// whole process group, kills the group after a grace period, and returns an error that wraps
// ctx.Err().
func (p *Project) Run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	var errs bytes.Buffer
	stdout, err = p.run(ctx, &errs, false, args)
	return stdout, errs.String(), err
}

// run runs the go command, at the lowest priority if idle is set.
func (p *Project) run(ctx context.Context, stderr io.Writer, idle bool, args []string) (stdout string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, p.Go, args...)
	cmd.Dir, cmd.Env = p.Dir, p.Environ
	if p.TempDir != "" {
		// One directory for each run, since an interrupted go command may leave files.
		tmp, err := os.MkdirTemp(p.TempDir, "tmp-")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(tmp)
		cmd.Env = append(slices.Clip(cmd.Env), "GOTMPDIR="+tmp)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, stderr // stdin is /dev/null
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = grace
	if err = cmd.Start(); err == nil {
		if idle {
			_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, 19) // or it keeps the usual priority
		}
		err = cmd.Wait()
	}
	if errors.Is(err, syscall.ENOENT) && !paths.IsDir(p.Dir) {
		err = fmt.Errorf("finding the directory %q: %w", p.Dir, syscall.ENOENT) // the error itself blames the go command
	}
	if ctx.Err() != nil && cmd.Process != nil {
		// Kill the processes that ignored the interrupt. The group ID can't belong to another
		// group yet, unless this group is empty and all other process IDs were used since.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		err = ctx.Err()
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the command succeeded, but a process that it left holds the pipes
	}
	return out.String(), err
}

// OutputError returns stderr as the error of a command that exited with a failure, and err
// where the command printed nothing or did not run.
func OutputError(err error, stderr string) error {
	text := strings.TrimSpace(stderr)
	if exit := new(exec.ExitError); text != "" && errors.As(err, &exit) {
		return errors.New(text)
	}
	return err
}

// hintError is an error with a command that the user may type next.
type hintError struct{ message, hint string }

func (e *hintError) Error() string { return e.message }

// Hint returns the next command to type, or several, one a line.
func (e *hintError) Hint() string { return e.hint }

// WithHint returns an error with a method Hint() string, which returns hint.
func WithHint(hint, format string, args ...any) error {
	return &hintError{fmt.Sprintf(format, args...), hint}
}
