package gotool

import (
	"context"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Config says what to build, and with which go command.
type Config struct {
	Dir      string   // working directory of the go command; "" for the current one
	Packages []string // one package pattern, or .go files of one directory
	Flags    []string // build flags of the user
	Debug    bool     // keep what a debugger needs: do not add the flags of Flags.Defaults
	Env      []string // environment of the go command; nil for os.Environ()
	TempDir  string   // directory for temporary files, unless the user has a GOTMPDIR
	Go       string   // go command, a name to look up in PATH or a path; "" for "go"
}

// Project is a program that one go command builds with one set of flags.
type Project struct {
	Command
	Env       Env
	Flags     Flags    // from GOFLAGS, then the user's
	UserFlags []string // the user's flags, as given
	Packages  []string // one package pattern, or .go files of one directory
	Debug     bool
}

// Open finds the go command and runs `go env`. The caller has checked the user's flags;
// Open checks those in GOFLAGS.
func Open(ctx context.Context, c Config) (*Project, error) {
	command, err := newCommand(c.Go, c.Dir, c.Env)
	if err != nil {
		return nil, err
	}
	env, err := command.Environment(ctx)
	if err != nil {
		return nil, err
	}
	inherited := ParseFlags(splitQuoted(env.GOFLAGS))
	if err := inherited.Check(); err != nil {
		return nil, WithHint("go env -u GOFLAGS; unset GOFLAGS", "GOFLAGS=%s: %v", env.GOFLAGS, err)
	}
	if err := env.checkTarget(); err != nil {
		return nil, err
	}
	if env.GOTMPDIR == "" {
		command.TempDir = c.TempDir
	}
	return &Project{
		Command:   command,
		Env:       env,
		Flags:     append(inherited, ParseFlags(c.Flags)...),
		UserFlags: slices.Clone(c.Flags),
		Packages:  slices.Clone(c.Packages),
		Debug:     c.Debug,
	}, nil
}

// Absolute returns a path that may be relative to Dir as an absolute path.
func (p *Project) Absolute(path string) string { return paths.Absolute(p.Dir, path) }

// NamesFiles reports whether Packages are .go files instead of a package pattern.
func (p *Project) NamesFiles() bool {
	return len(p.Packages) > 0 && strings.HasSuffix(p.Packages[0], ".go")
}

// AllFlags returns all flags of a build in the order in which the go command sees them: the
// last of a name wins.
func (p *Project) AllFlags() Flags {
	return slices.Concat(ParseFlags(p.defaults()), p.Flags)
}

func (p *Project) defaults() []string {
	if p.Debug {
		return nil
	}
	return p.Flags.Defaults()
}

// BuildArgs returns the arguments of a `go build` into the file output, with more flags and
// files. The flags of the user override the defaults, and the added flags override those of
// the user.
func (p *Project) BuildArgs(output string, flags, files []string) []string {
	return slices.Concat([]string{"build"}, p.defaults(), p.UserFlags, flags, []string{"-o", output}, p.Packages, files)
}

// ListArgs returns the arguments of a `go list` with more flags. Neither a profile nor the
// version control stamp changes a list, but both take time.
func (p *Project) ListArgs(flags ...string) []string {
	return slices.Concat([]string{"list", "-e"}, p.UserFlags, []string{"-pgo=off", "-buildvcs=false"}, flags, p.Packages)
}
