package builder

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// goEnv is what `go env` says.
type goEnv struct {
	GOFLAGS      string
	GOMOD        string // /dev/null outside a module, "" where modules are off
	GOWORK       string // "" or "off" where there is no workspace
	GOROOT       string
	GOMODCACHE   string
	GOVERSION    string
	GOTMPDIR     string
	GOENV        string // file of `go env -w`, or "off"
	GOOS         string
	GOARCH       string
	GOEXPERIMENT string
	CgoEnabled   string // CGO_ENABLED
}

// runnable returns an error if a program is built for another system, which this one can't
// run. Another processor may be emulated.
func (e goEnv) runnable() error {
	if e.GOOS == runtime.GOOS {
		return nil
	}
	return &hinted{
		fmt.Sprintf("GOOS=%s: the program would be built for another system than this one, which is %s", e.GOOS, runtime.GOOS),
		"go env -u GOOS; unset GOOS",
	}
}

// Target returns the system and processor that the program is built for, "linux/amd64".
func (b *Builder) Target() string { return b.env.GOOS + "/" + b.env.GOARCH }

// environment asks the go command for what it works with. That costs about 5 ms and
// succeeds even where go.mod or GOFLAGS are broken. It prints a variable a line: JSON would
// change names that are not UTF-8.
func (g goCommand) environment(ctx context.Context) (e goEnv, err error) {
	stdout, stderr, err := g.run(ctx, "env", "-json=false", "GOMOD", "GOWORK", "GOROOT", "GOMODCACHE",
		"GOVERSION", "GOTMPDIR", "GOENV", "GOOS", "GOARCH", "GOEXPERIMENT", "CGO_ENABLED", "GOFLAGS")
	if err != nil {
		err = withOutput(err, stderr)
		// The go command finds its files by its own place.
		if _, missing := os.Lstat("/proc/self/exe"); missing != nil && runtime.GOOS == "linux" {
			err = fmt.Errorf("%w; /proc is not mounted, without it GOROOT must be set", err)
		}
		return e, fmt.Errorf("asking %s for its environment: %w", g.path, err)
	}
	values := []*string{&e.GOMOD, &e.GOWORK, &e.GOROOT, &e.GOMODCACHE,
		&e.GOVERSION, &e.GOTMPDIR, &e.GOENV, &e.GOOS, &e.GOARCH, &e.GOEXPERIMENT, &e.CgoEnabled, &e.GOFLAGS}
	lines := strings.SplitN(strings.TrimSuffix(stdout, "\n"), "\n", len(values)) // flags may be on several
	if len(lines) < len(values) {
		return e, fmt.Errorf("asking %s for its environment: %d lines for %d variables", g.path, len(lines), len(values))
	}
	for i, value := range values {
		*value = lines[i]
	}
	return e, nil
}

// withOutput prefers what a command said to the status with which it ended.
func withOutput(err error, stderr string) error {
	said := strings.TrimSpace(stderr)
	if exit := new(exec.ExitError); said != "" && errors.As(err, &exit) {
		return errors.New(said)
	}
	return err
}

func (e goEnv) hasModule() bool    { return e.GOMOD != "" && e.GOMOD != os.DevNull }
func (e goEnv) hasWorkspace() bool { return e.GOWORK != "" && e.GOWORK != "off" }

// context returns what go/build needs to choose a package's files as the go command
// does with these flags.
func (e goEnv) context(flags buildFlags) build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.GOROOT = e.GOOS, e.GOARCH, e.GOROOT
	c.CgoEnabled = e.CgoEnabled == "1"
	c.Compiler = "gc"
	if name, ok := flags.value("compiler"); ok {
		c.Compiler = name
	}
	tags, _ := flags.value("tags")
	c.BuildTags = strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || r == ' ' })
	c.ToolTags = slices.Clone(c.ToolTags)
	for _, mode := range []string{"race", "msan", "asan"} {
		if flags.isSet(mode) {
			c.ToolTags = append(c.ToolTags, mode)
		}
	}
	for name := range strings.SplitSeq(e.GOEXPERIMENT, ",") {
		c.ToolTags = append(c.ToolTags, "goexperiment."+name)
	}
	if tags := releaseTags(e.GOVERSION); tags != nil {
		c.ReleaseTags = tags
	}
	return c
}

// releaseTags returns go1.1 to go1.N for a version such as "go1.N.3", or nil for one
// that is written in another way.
func releaseTags(version string) (tags []string) {
	_, rest, _ := strings.Cut(version, "go1.")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	last, _ := strconv.Atoi(rest[:digits])
	for n := 1; n <= last && n < 1000; n++ {
		tags = append(tags, "go1."+strconv.Itoa(n))
	}
	return tags
}
