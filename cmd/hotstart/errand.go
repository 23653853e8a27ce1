package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// An errand is one command that hotstart runs for the user, by /bin/sh, with
// names of files as its arguments.
type errand struct {
	line  string
	files []string
	dir   string
	env   []string
	out   *os.File // nil: it is shown when the errand fails
}

// errandGrace is how long a command gets to end after SIGTERM.
const errandGrace = 2 * time.Second

// errandFailed is a command that did not end well.
type errandFailed struct {
	err    error
	output string
}

func (e *errandFailed) Error() string { return e.err.Error() }
func (e *errandFailed) Unwrap() error { return e.err }

// run waits for the end of the command. What it has left behind in its
// process group ends with it. When ctx is done, the group gets SIGTERM.
func (e errand) run(ctx context.Context, scratch string) error {
	out := e.out
	if out == nil {
		var err error
		if out, err = os.CreateTemp(scratch, "output-"); err != nil {
			return err
		}
		defer os.Remove(out.Name())
		defer out.Close()
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", e.line, "sh"}, e.names()...)...)
	cmd.Dir, cmd.Env = e.dir, append(e.env, "HOTSTART_CHANGED="+strings.Join(e.names(), "\n"))
	cmd.Stdout, cmd.Stderr = out, out // a file: Wait waits for nobody who has it open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = errandGrace
	err := cmd.Run()
	if cmd.Process != nil {
		// The group's number can't be another's yet unless the group is empty
		// and all other process ids were used since.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil || e.out != nil:
		return err
	}
	return &errandFailed{err, tail(out)}
}

// names are the files that a command can be told of: more than that are no
// different from all.
func (e errand) names() []string {
	const most = 100 << 10 // a single variable may have 128 KiB (execve(2))
	size := 0
	names := relative(e.dir, e.files)
	for _, name := range names {
		size += len(name) + 1
	}
	if size > most {
		return nil
	}
	return names
}

// tail is the end of what a command has said.
func tail(f *os.File) string {
	const most = 16 << 10
	size, _ := f.Seek(0, io.SeekEnd)
	b := make([]byte, min(size, most))
	n, _ := f.ReadAt(b, size-int64(len(b)))
	text := strings.TrimSpace(string(b[:n]))
	if size > most {
		text = "...\n" + text
	}
	return text
}

// outputOf is what a failed command has said.
func outputOf(err error) string {
	var failed *errandFailed
	if errors.As(err, &failed) {
		return failed.output
	}
	return ""
}
