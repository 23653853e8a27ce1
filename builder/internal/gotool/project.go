package gotool

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Project is a program that one go command builds with one set of flags.
type Project struct {
	Dir       string   // working directory of the go command; after Open absolute, with symbolic links
	Packages  []string // one package pattern, or .go files of one directory
	UserFlags []string // build flags of the user
	Debug     bool     // keep what a debugger needs: do not add default flags
	Environ   []string // environment of the go command; nil for os.Environ()
	TempDir   string   // existing directory for temporary files, unless the user has a GOTMPDIR
	Go        string   // go command, a name to look up in PATH or a path; "" for "go"; after Open an absolute path

	Env   Env   // set by Open
	Flags Flags // set by Open: those in GOFLAGS, then the user's
}

// Open finds the go command and runs `go env`. The caller has checked the user's flags; Open
// checks those in GOFLAGS.
func (p *Project) Open(ctx context.Context) error {
	dir, err := paths.ExistingDir(p.Dir)
	if err != nil {
		return fmt.Errorf("finding the directory %q: %w", p.Dir, err)
	}
	if p.Go, err = find(p.Go); err != nil {
		return err
	}
	if p.Environ == nil {
		p.Environ = os.Environ()
	}
	tmp := p.TempDir
	p.TempDir = "" // a GOTMPDIR of the user is not known yet
	// A GOGC of the user comes later, and wins. The go command believes PWD.
	p.Dir, p.Environ = dir, slices.Concat([]string{"GOGC=" + gogc}, p.Environ, []string{"PWD=" + dir})
	if p.Env, err = p.Environment(ctx); err != nil {
		return err
	}
	inherited := ParseFlags(splitQuoted(p.Env.GOFLAGS))
	if err := inherited.Check(); err != nil {
		return WithHint("go env -u GOFLAGS; unset GOFLAGS", "GOFLAGS=%s: %v", p.Env.GOFLAGS, err)
	}
	if p.Env.GOOS != runtime.GOOS { // another GOARCH may be emulated
		return WithHint("go env -u GOOS; unset GOOS",
			"GOOS=%s: the program would be built for another system than this one, which is %s", p.Env.GOOS, runtime.GOOS)
	}
	if p.Env.GOTMPDIR == "" {
		p.TempDir = tmp
	}
	p.Flags = append(inherited, ParseFlags(p.UserFlags)...)
	return nil
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

// defaults returns the flags that make development builds fast, except those that are set. Each
// was measured: without a symbol table and DWARF, linking takes about 40 % less time; a profile
// makes every package compile again; the stamp runs the version control system.
func (p *Project) defaults() (args []string) {
	for _, flag := range (Flags{{"ldflags", "-s -w"}, {"pgo", "off"}, {"buildvcs", "false"}}) {
		if _, ok := p.Flags.Value(flag.Name); !ok && !p.Debug {
			args = append(args, "-"+flag.Name+"="+flag.Value)
		}
	}
	return args
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
