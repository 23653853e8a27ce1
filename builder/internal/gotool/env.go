package gotool

import (
	"context"
	"fmt"
	"go/build"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Env holds variables that `go env` prints.
type Env struct {
	GOFLAGS      string
	GOMOD        string // /dev/null outside of a module, "" if modules are off
	GOWORK       string // "" or "off" outside of a workspace
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

// Environment runs `go env`. That costs about 5 ms and succeeds even where go.mod or GOFLAGS
// are broken. The output is one variable a line, not JSON, which would change names that are
// not valid UTF-8.
func (p *Project) Environment(ctx context.Context) (e Env, err error) {
	stdout, stderr, err := p.Run(ctx, "env", "-json=false", "GOMOD", "GOWORK", "GOROOT", "GOMODCACHE",
		"GOVERSION", "GOTMPDIR", "GOENV", "GOOS", "GOARCH", "GOEXPERIMENT", "CGO_ENABLED", "GOFLAGS")
	if err != nil {
		err = OutputError(err, stderr)
		// The go command finds GOROOT by the path of its own executable.
		if _, missing := os.Lstat("/proc/self/exe"); missing != nil && runtime.GOOS == "linux" {
			err = fmt.Errorf("%w; /proc is not mounted, without it GOROOT must be set", err)
		}
		return e, fmt.Errorf("asking %s for its environment: %w", p.Go, err)
	}
	values := []*string{&e.GOMOD, &e.GOWORK, &e.GOROOT, &e.GOMODCACHE,
		&e.GOVERSION, &e.GOTMPDIR, &e.GOENV, &e.GOOS, &e.GOARCH, &e.GOEXPERIMENT, &e.CgoEnabled, &e.GOFLAGS}
	lines := strings.SplitN(strings.TrimSuffix(stdout, "\n"), "\n", len(values)) // GOFLAGS may have several lines
	if len(lines) < len(values) {
		return e, fmt.Errorf("asking %s for its environment: %d lines for %d variables", p.Go, len(lines), len(values))
	}
	for i, value := range values {
		*value = lines[i]
	}
	return e, nil
}

// HasModule reports whether the go command works in a module.
func (e Env) HasModule() bool { return e.GOMOD != "" && e.GOMOD != os.DevNull }

// HasWorkspace reports whether the go command works in a workspace.
func (e Env) HasWorkspace() bool { return e.GOWORK != "" && e.GOWORK != "off" }

// BuildContext returns the go/build context that selects the same files of a package as the
// go command does with these flags.
func (e Env) BuildContext(flags Flags) build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.GOROOT = e.GOOS, e.GOARCH, e.GOROOT
	c.CgoEnabled = e.CgoEnabled == "1"
	c.Compiler = "gc"
	if name, ok := flags.Value("compiler"); ok {
		c.Compiler = name
	}
	tags, _ := flags.Value("tags")
	c.BuildTags = strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || r == ' ' })
	c.ToolTags = slices.Clone(c.ToolTags)
	for _, mode := range []string{"race", "msan", "asan"} {
		if flags.IsSet(mode) {
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

// releaseTags returns the tags go1.1 to go1.N for a version such as "go1.N.3", and nil for a
// version of another form.
func releaseTags(version string) (tags []string) {
	_, rest, _ := strings.Cut(version, "go1.")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	last, _ := strconv.Atoi(rest[:digits])
	for n := 1; n <= last && n < 1000; n++ {
		tags = append(tags, "go1."+strconv.Itoa(n))
	}
	return tags
}
