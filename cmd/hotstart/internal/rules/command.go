package rules

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Command is one command line that runs in /bin/sh, with the names of files as
// its arguments and in HOTSTART_CHANGED.
type Command struct {
	Line    string
	Files   []string // absolute
	Dir     string   // working directory
	Env     []string
	Out     *os.File // stdout and stderr; nil: captured
	TempDir string   // for captured output
}

// cancelGrace is the time from SIGTERM to SIGKILL.
const cancelGrace = 2 * time.Second

// Execute runs the command and waits for its end. Then it kills the remaining
// processes of the command's process group. When ctx is done, the group gets
// SIGTERM, and Execute returns the error of ctx. output is the end of what a command
// has written that failed.
func (c Command) Execute(ctx context.Context) (output string, err error) {
	out := c.Out
	if out == nil {
		if out, err = os.CreateTemp(c.TempDir, "output-"); err != nil {
			return "", err
		}
		defer os.Remove(out.Name())
		defer out.Close()
	}
	names := c.names()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", c.Line, "sh"}, names...)...)
	cmd.Dir, cmd.Env = c.Dir, append(c.Env, "HOTSTART_CHANGED="+strings.Join(names, "\n"))
	cmd.Stdout, cmd.Stderr = out, out // files: Wait does not wait for other processes that have them open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = cancelGrace
	err = cmd.Run()
	if cmd.Process != nil {
		// The kernel does not use the group's number for another process
		// before the group is empty and all other process ids were used.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil || c.Out != nil:
		return "", err
	}
	return tail(out), err
}

// names returns the files relative to the working directory, or nil if the
// list is too long: the command then processes all files.
func (c Command) names() []string {
	const maxSize = 100 << 10 // a single variable may have 128 KiB (execve(2))
	size := 0
	names := Relative(c.Dir, c.Files)
	for _, name := range names {
		size += len(name) + 1
	}
	if size > maxSize {
		return nil
	}
	return names
}

// Relative returns the names of files as seen from dir. The name of a file that
// is more than one directory above dir stays absolute.
func Relative(dir string, files []string) (names []string) {
	for _, file := range files {
		if rel, err := filepath.Rel(dir, file); err == nil && !strings.HasPrefix(rel, "../../") {
			file = rel
		}
		names = append(names, file)
	}
	return names
}

func tail(f *os.File) string {
	const maxSize = 16 << 10
	size, _ := f.Seek(0, io.SeekEnd)
	b := make([]byte, min(size, maxSize))
	n, _ := f.ReadAt(b, size-int64(len(b)))
	text := strings.TrimSpace(string(b[:n]))
	if size > maxSize {
		text = "...\n" + text
	}
	return text
}
