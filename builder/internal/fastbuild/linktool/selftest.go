package linktool

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// Test is the self-test of a new linker.
type Test struct {
	Options        // Dir is a directory of its own, which is removed after the test
	Tool    string // the new linker
}

// Compile writes the files of a module into a directory below t.Dir, adds them to those of an
// earlier Compile, and compiles the program there. It returns the archives.
func (t *Test) Compile(ctx context.Context, dir string, files map[string]string) (archives map[string]string, err error) {
	dir = filepath.Join(t.Dir, dir)
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	output, err := t.run(ctx, dir, "list", "-export", "-deps", "-f", "{{with .Export}}{{$.ImportPath}} {{.}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	archives = map[string]string{}
	for line := range strings.Lines(output) {
		if path, file, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok {
			archives[path] = file
		}
	}
	return archives, nil
}

// LinkOrdinary links archives into a file with the linker of the Go installation.
func (t *Test) LinkOrdinary(ctx context.Context, c *Command, archives map[string]string, output string) error {
	config, err := c.Config(archives)
	if err != nil {
		return err
	}
	file := output + ".importcfg"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	args := append([]string{"-o", output, "-importcfg", file}, c.Flags...)
	link := filepath.Join(t.GOROOT, "pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH, "link")
	cmd := exec.CommandContext(ctx, link, append(args, archives[c.Main])...)
	cmd.Dir, cmd.Env = c.Dir, append(c.Env[:len(c.Env):len(c.Env)], "TMPDIR="+t.Dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("linking with the ordinary linker: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
