// Package builder turns a package pattern into a binary, or into diagnostics, and
// lists the files that such a build reads.
//
// It is made for building the same program again and again while its files change:
// beyond what the go command itself costs, a build takes a few system calls.
package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// Options say what to build, and how.
type Options struct {
	// Dir is where the go command runs; "" is the current directory. File names in
	// diagnostics and graphs begin with it as it is written here: a project reached
	// through a symbolic link keeps the link's name.
	Dir string

	// Packages is what to build: one package pattern, or .go files of one directory.
	// If empty, New looks for the program: the package in Dir, else the only one below
	// Dir/cmd.
	Packages []string

	// Flags are the user's build flags ("-tags", "dev", "-race"). They win over the
	// builder's own. Not accepted, nor in GOFLAGS, are -o, -C, -n,
	// -json, -x and each -buildmode that makes no program.
	Flags []string

	// Debug keeps what a debugger or a profile needs: the symbol table, DWARF, -pgo and
	// the version control stamp, all of which cost time. Stack traces do not need them.
	Debug bool

	// Env is the environment of the go command; nil is os.Environ().
	Env []string

	// Output is an existing directory that receives the binaries and, unless the user
	// has a GOTMPDIR, the go command's temporary files. It should lie outside the
	// project. Required. It is the caller's to remove.
	Output string

	// Adopt adds to the program what makes it inherit its listening sockets and drain
	// without losing a request, see package adopt and Instrumentation.
	Adopt bool

	// Direct lets Build bypass the go command where the result is known to be the same, see package
	// direct. The program must call Record first thing in main.
	FastBuild bool

	// Progress receives the progress of a build that takes longer than a second, from
	// another goroutine, and must not wait. nil: nobody is.
	Progress func(Progress)

	// Go is the go command, a name to look up in PATH or a path; "" is "go".
	Go string
}

// A Builder builds one program. Its methods may be called at the same time.
type Builder struct {
	command  goCommand
	env      goEnv
	flags    buildFlags // of GOFLAGS and of the user
	user     []string   // the user's, as given
	debug    bool
	output   string
	packages []string
	name     string // of the program, for its file
	builds   atomic.Int64
	adopts   bool
	adoption adoption
	memory   memory
	includes includes
	direct   bool
	shortcut shortcut
	progress func(Progress)
}

// New finds the go command, checks that Dir is in a module or workspace and settles
// which package to build. It runs `go env`, and no other command.
//
// Errors for which there is a next command to type have a method Hint() string.
// *ChoiceError and *NotMainError are among them. A *UsageError says which option is wrong.
func New(ctx context.Context, o Options) (*Builder, error) {
	output, err := outputDir(o.Output)
	if err != nil {
		return nil, err
	}
	if err := parseFlags(o.Flags).acceptable(); err != nil {
		return nil, err
	}
	command, err := newGoCommand(o)
	if err != nil {
		return nil, err
	}
	env, err := command.environment(ctx)
	if err != nil {
		return nil, err
	}
	inherited := parseFlags(splitQuoted(env.GOFLAGS))
	if err := inherited.acceptable(); err != nil {
		return nil, &hinted{fmt.Sprintf("GOFLAGS=%s: %v", env.GOFLAGS, err), "go env -u GOFLAGS; unset GOFLAGS"}
	}
	if err := env.runnable(); err != nil {
		return nil, err
	}
	if env.GOTMPDIR == "" {
		command.tmp = output
	}
	b := &Builder{
		command:  command,
		env:      env,
		flags:    append(inherited, parseFlags(o.Flags)...),
		user:     slices.Clone(o.Flags),
		debug:    o.Debug,
		output:   output,
		adopts:   o.Adopt,
		direct:   o.FastBuild,
		progress: o.Progress,
	}
	if err := b.settle(slices.Clone(o.Packages)); err != nil {
		return nil, err
	}
	if b.direct {
		return b, b.openShortcut()
	}
	return b, nil
}

// Package returns what is built, as the go command understands it: a pattern such as
// "./cmd/api", an import path, or names of .go files separated by spaces.
func (b *Builder) Package() string { return strings.Join(b.packages, " ") }

func outputDir(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no directory for the binaries")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the directory for the binaries: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("finding the directory for the binaries: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("output %q is not a directory", dir)
	}
	return dir, nil
}

// A UsageError is about invalid Options.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

func misused(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}

// hinted is an error after which there is something to type.
type hinted struct {
	message string
	hint    string
}

func (e *hinted) Error() string { return e.message }

// Hint returns the next command to type, or several, one a line.
func (e *hinted) Hint() string { return e.hint }
