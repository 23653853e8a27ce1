// Package builder turns a package pattern into a binary, or into diagnostics, and lists the
// files that such a build reads.
//
// It is made for building the same program again and again while its files change: apart from
// the go command itself, a build takes a few system calls.
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

	"github.com/hotstart/hotstart/builder/adopt"
	"github.com/hotstart/hotstart/builder/internal/fastbuild"
	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/graph"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Options say what to build, and how.
type Options struct {
	// Dir is the working directory of the go command; "" is the current directory. File names
	// in diagnostics and graphs begin with Dir as it is written here: in a project that is
	// reached through a symbolic link, they contain the link.
	Dir string

	// Packages is what to build: one package pattern, or .go files of one directory.
	// If empty, New looks for the program: the package in Dir, else the only one below
	// Dir/cmd.
	Packages []string

	// Flags are the user's build flags, for example "-tags", "dev", "-race". They override the
	// builder's own flags. The flags -o, -C, -n, -json, -x and each -buildmode that does not
	// build a program are errors, in GOFLAGS too.
	Flags []string

	// Debug keeps what a debugger or a profile needs: the symbol table, DWARF, -pgo and the
	// version control stamp, all of which cost time. Stack traces do not need them.
	Debug bool

	// Env is the environment of the go command; nil is os.Environ().
	Env []string

	// Output is an existing directory for the binaries and, unless the user has a GOTMPDIR,
	// for the go command's temporary files. It should be outside of the project. Required. The
	// caller removes it.
	Output string

	// Adopt instruments the program: it inherits its listening sockets, and finishes all
	// requests before it exits. See package adopt and Instrumentation.
	Adopt bool

	// FastBuild says how far Build may bypass the go command; "" is FastBuildOff. Otherwise, the
	// program must call RunTool first thing in main.
	FastBuild FastBuild

	// Progress receives the progress of a build that takes longer than a second. It is called
	// from other goroutines and must not block. It may be nil.
	Progress func(Progress)

	// Go is the go command, a name to look up in PATH or a path; "" is "go".
	Go string
}

// FastBuild says how far builds bypass the go command.
type FastBuild string

// Values of Options.FastBuild.
const (
	FastBuildAuto  FastBuild = "auto"  // where that is safe; only the edited packages are linked, see package delta
	FastBuildWhole FastBuild = "whole" // as FastBuildAuto, but the whole program is linked: the binary differs from that of the go command in its build ID alone
	FastBuildOff   FastBuild = "off"   // the go command makes all builds
)

// ParseFastBuild returns the value with this name.
func ParseFastBuild(text string) (FastBuild, error) {
	if f := FastBuild(text); f == FastBuildAuto || f == FastBuildWhole || f == FastBuildOff {
		return f, nil
	}
	return "", fmt.Errorf("%q is invalid; want auto, whole or off", text)
}

// Builder builds one program. Its methods may be called at the same time.
type Builder struct {
	project *gotool.Project
	output  string
	name    string       // of the program, for the file names of binaries
	builds  atomic.Int64 // number of the last binary
	report  func(begun, packages int)

	instrumentation instrumentation
	lister          *graph.Lister
	cache           *fastbuild.Cache
}

// New finds the go command, checks that Dir is in a module or workspace and chooses the package
// to build. It runs `go env`, and no other command.
//
// Errors that the user can fix with a command have a method Hint() string, among them
// *ChoiceError and *NotMainError. A *UsageError means that an option is invalid.
func New(ctx context.Context, o Options) (*Builder, error) {
	if o.Output == "" {
		return nil, errors.New("no directory for the binaries")
	}
	output, err := paths.ExistingDir(o.Output)
	if err != nil {
		return nil, fmt.Errorf("finding the directory for the binaries: %w", err)
	}
	if err := gotool.ParseFlags(o.Flags).Check(); err != nil {
		return nil, &UsageError{err.Error()}
	}
	project := &gotool.Project{
		Dir:       o.Dir,
		Packages:  slices.Clone(o.Packages),
		UserFlags: slices.Clone(o.Flags),
		Debug:     o.Debug,
		Environ:   o.Env,
		TempDir:   output,
		Go:        o.Go,
	}
	if err := project.Open(ctx); err != nil {
		return nil, err
	}
	b := &Builder{project: project, output: output, lister: graph.NewLister(project)}
	b.instrumentation.enabled, b.instrumentation.cache = o.Adopt, adopt.Cache{}
	if o.Progress != nil {
		b.report = func(begun, packages int) { o.Progress(Progress{begun, packages}) }
	}
	if err := b.choosePackage(); err != nil {
		return nil, err
	}
	b.cache, err = fastbuild.New(fastbuild.Options{
		Enabled: o.FastBuild == FastBuildAuto || o.FastBuild == FastBuildWhole,
		Delta:   o.FastBuild == FastBuildAuto,
		Project: project,
		Dir:     output,
		Overlay: filepath.Join(output, "overlay.json"), // see package adopt
		Linkers: linkersDir(),
		Output:  b.nextOutput,
		GoBuild: b.goBuild,
	})
	return b, err
}

// cacheDir returns hotstart's directory in the user's cache directory; "" if there is none.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "hotstart")
}

// linkersDir returns the directory of delta linkers; "" if there is none.
func linkersDir() string {
	if dir := cacheDir(); dir != "" {
		return filepath.Join(dir, "linkers")
	}
	return ""
}

// Close ends the linkers that are prepared for the next build. Further builds are possible, and
// take longer.
func (b *Builder) Close() { b.cache.Close() }

// RunTool runs a tool of the go command if a Builder with Options.FastBuild has started this
// process by the go command, and then does not return. A program that sets that option calls
// RunTool first thing in main.
func RunTool() { fastbuild.RunTool() }

// Package returns what is built, as the go command understands it: a pattern such as
// "./cmd/api", an import path, or names of .go files separated by spaces.
func (b *Builder) Package() string { return strings.Join(b.project.Packages, " ") }

// Target returns the operating system and processor that the program is built for, for example
// "linux/amd64".
func (b *Builder) Target() string { return b.project.Env.GOOS + "/" + b.project.Env.GOARCH }

// Progress is how far a build has come.
type Progress struct {
	Begun    int // packages that the go command has begun to compile
	Packages int // packages to compile: those that are not in the build cache
}

// UsageError means that one of the Options is invalid.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

func usageErrorf(format string, args ...any) error {
	return &UsageError{fmt.Sprintf(format, args...)}
}
