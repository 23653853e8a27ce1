package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// command is a command that the go command has run.
type command struct {
	Tool    string
	Args    []string
	Dir     string // working directory, absolute
	Env     []string
	Package string // import path of the package that is compiled or linked

	ImportConfig string            // content of the file that -importcfg names
	EmbedConfig  string            // content of the file that -embedcfg names; "" without
	Kept         map[string]string // new files of archives that the linker got as temporary files, by import path
}

// These flags of the compiler, with a value of their own or without, have no other effect than
// on the archive, and do not name temporary files of the go command. Commands with other flags
// are refused.
var (
	valueFlags = []string{"-o", "-trimpath", "-p", "-installsuffix", "-buildid", "-goversion", "-D", "-importcfg", "-embedcfg"}
	plainFlags = []string{"-lang", "-complete", "-dwarf", "-c", "-nolocalimports", "-pack", "-race", "-msan", "-asan", "-shared", "-N", "-l", "-B"}
)

// sources returns the absolute names of the files that a compile command reads. An error means
// that the command can't be replayed.
func (c *command) sources() (files []string, err error) {
	args := c.Args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name, _, joined := strings.Cut(args[0], "=")
		switch {
		case !joined && slices.Contains(valueFlags, name) && len(args) > 1:
			args = args[2:]
		case slices.Contains(plainFlags, name):
			args = args[1:]
		default:
			return nil, fmt.Errorf("compiling %s again: unknown flag %s", c.Package, args[0])
		}
	}
	for _, file := range args {
		file = paths.Absolute(c.Dir, file)
		if filepath.Ext(file) != ".go" || paths.Inside(c.work(), file) {
			return nil, fmt.Errorf("compiling %s again: %s is not a source of the user", c.Package, file)
		}
		files = append(files, file)
	}
	if len(files) == 0 || c.Package == "" || !c.has("-o", "-importcfg", "-pack") {
		return nil, fmt.Errorf("compiling %s again: not a known compile command: %q", c.Package, c.Args)
	}
	return files, nil
}

// embedded returns the absolute names of the files that a compile command embeds.
func (c *command) embedded() ([]string, error) {
	if c.EmbedConfig == "" {
		return nil, nil
	}
	var config struct{ Files map[string]string }
	if err := json.Unmarshal([]byte(c.EmbedConfig), &config); err != nil {
		return nil, fmt.Errorf("reading the embed configuration of %s: %w", c.Package, err)
	}
	for _, file := range config.Files {
		if !filepath.IsAbs(file) {
			return nil, fmt.Errorf("embedding in %s: %s is not absolute", c.Package, file)
		}
	}
	return slices.Sorted(maps.Values(config.Files)), nil
}

// checkLink returns an error if a link command can't be replayed.
func (c *command) checkLink() error {
	n := len(c.Args)
	if n < 6 || c.Args[0] != "-o" || c.Args[2] != "-importcfg" || strings.HasPrefix(c.Args[n-1], "-") {
		return fmt.Errorf("linking again: not a known link command: %q", c.Args)
	}
	mode := ""
	for _, arg := range c.Args[4 : n-1] {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "-buildmode":
			mode = value
		case "-linkshared", "-pluginpath", "-fipso":
			return fmt.Errorf("linking again: unsupported flag %s", arg)
		}
		if strings.Contains(arg, c.work()) {
			return fmt.Errorf("linking again: %s names a temporary file", arg)
		}
	}
	if mode != "exe" && mode != "pie" {
		return fmt.Errorf("linking again: unsupported flag -buildmode=%s", mode)
	}
	if strings.Contains(c.ImportConfig, "packageshlib ") || strings.Contains(c.ImportConfig, `build\tvcs`) {
		return fmt.Errorf("linking again: the program depends on more than its sources")
	}
	return nil
}

// work returns the go command's temporary directory: the parent of the directory that contains
// the import configuration.
func (c *command) work() string {
	name, _ := c.value("-importcfg")
	return filepath.Dir(filepath.Dir(paths.Absolute(c.Dir, name)))
}

func (c *command) has(flags ...string) bool {
	return !slices.ContainsFunc(flags, func(flag string) bool { return !slices.Contains(c.Args, flag) })
}

// value returns the argument after a flag.
func (c *command) value(flag string) (string, bool) {
	if i := slices.Index(c.Args, flag); i >= 0 && i+1 < len(c.Args) {
		return c.Args[i+1], true
	}
	return "", false
}

// with returns the arguments with other values for some flags.
func (c *command) with(values map[string]string) []string {
	args := slices.Clone(c.Args)
	for i := 0; i+1 < len(args); i++ {
		if value, ok := values[args[i]]; ok {
			args[i+1] = value
			i++
		}
	}
	return args
}

// run runs the command with other arguments, and with temporary files in tmp. When ctx is done,
// run kills the command with all its children, and returns an error that wraps ctx.Err().
func (c *command) run(ctx context.Context, tmp string, args []string) error {
	cmd := exec.CommandContext(ctx, c.Tool, args...)
	cmd.Dir = c.Dir
	cmd.Env = append(slices.Clip(c.Env), "TMPDIR="+tmp) // a killed command leaves files there
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("running %s for %s: %w: %s", c.Tool, c.Package, err, bytes.TrimSpace(out))
	}
	return nil
}
