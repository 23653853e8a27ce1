package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Binary is a program that was built.
type Binary struct {
	Path     string        // absolute
	ID       string        // content field of its Go build ID; "" if it has none
	Duration time.Duration // from the start of the go command to its end

	FastBuild bool // built without the go command: Check does it again
}

// SameContent reports whether both programs provably have the same content: they may differ in
// comments only, in nothing that is executed.
func (x *Binary) SameContent(other *Binary) bool {
	return x != nil && other != nil && x.ID != "" && x.ID == other.ID
}

// Remove deletes the file. A program that runs from it keeps running.
func (x *Binary) Remove() error { return os.Remove(x.Path) }

// BuildError says that the code does not build.
type BuildError struct {
	Diagnostics []Diagnostic // at least one
	Output      string       // all that the go command said

	// Passing are files that are there and because of which the build may have failed. No
	// change of them counts: they are temporary, see func Passing.
	Passing []string

	program string
}

// Error returns the first diagnostic, and how many more there are.
func (e *BuildError) Error() string {
	text := "building " + e.program
	if len(e.Diagnostics) > 0 {
		text += ": " + e.Diagnostics[0].String()
	}
	if more := len(e.Diagnostics) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// Build builds the program into a new file of the output directory; no earlier binary is
// touched. Where the code does not build, the error is a *BuildError; where what is built
// is not a program, a *NotMainError. When ctx is done, Build ends the go command with all
// its processes, removes what there is of the binary and returns an error that wraps
// ctx.Err().
func (b *Builder) Build(ctx context.Context) (*Binary, error) {
	start := time.Now()
	binary, err := b.build(ctx)
	if files := b.blamed(err); len(files) > 0 && outlasts(ctx, files) {
		binary, err = b.build(ctx)
	}
	switch {
	case err == nil && b.missed(binary.Path):
		_ = binary.Remove()
		binary, err = b.build(ctx)
	case b.suspects(err) && b.renamed(ctx):
		binary, err = b.build(ctx)
	case b.suspects(err) || b.misses(err):
		binary, err = b.try(ctx)
	}
	if binary != nil {
		binary.Duration = time.Since(start)
	}
	if broken := new(BuildError); errors.As(err, &broken) {
		broken.Passing = slices.DeleteFunc(b.blamed(err), func(file string) bool { return !exists(file) })
	}
	return binary, err
}

// try builds after a build that has failed, maybe because it was adopted. That is so only
// if the same code builds without, and not with it: it may have been mended meanwhile.
func (b *Builder) try(ctx context.Context) (*Binary, error) {
	binary, err := b.compile(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	adopted, err := b.build(ctx)
	if b.suspects(err) {
		b.adoption.blame(err)
		return binary, nil
	}
	_ = binary.Remove()
	return adopted, err
}

// build runs the go command once, and adopts the program if it can be.
func (b *Builder) build(ctx context.Context) (*Binary, error) {
	flags, files, err := b.adopt(ctx)
	if err != nil {
		return nil, err
	}
	return b.compile(ctx, flags, files)
}

// compile builds with more flags and files.
func (b *Builder) compile(ctx context.Context, flags, files []string) (*Binary, error) {
	flags = append(b.includes.flags(b.flags), flags...)
	if !b.direct {
		return b.goBuild(ctx, b.command, flags, files)
	}
	binary, missed := b.take(ctx, flags, files)
	if binary != nil {
		return binary, nil
	}
	return b.record(ctx, flags, files, missed)
}

// goBuild runs the go command with more flags and files.
func (b *Builder) goBuild(ctx context.Context, command goCommand, flags, files []string) (*Binary, error) {
	output := b.nextOutput()
	start := time.Now()
	stdout, stderr, err := b.runBuild(ctx, command, b.buildArgs(output, flags, files))
	binary := &Binary{Path: output, Duration: time.Since(start)}
	if err == nil {
		binary.ID, err = readBuildID(output)
	}
	if err == nil {
		return binary, nil
	}
	_ = os.Remove(output) // there is rarely any
	return nil, b.failure(err, stdout+stderr)
}

// runBuild runs go build, and tells how far it has come if somebody wants to know.
func (b *Builder) runBuild(ctx context.Context, command goCommand, args []string) (stdout, stderr string, err error) {
	if b.progress == nil || command.idle {
		return command.run(ctx, args...)
	}
	p := &progress{tell: b.progress, plan: func(ctx context.Context) (int, bool) {
		_, said, err := command.run(ctx, slices.Insert(slices.Clone(args), 1, "-n")...)
		return planned(said), err == nil
	}}
	return command.follow(ctx, p, slices.Insert(slices.Clone(args), 1, "-v"))
}

// buildArgs puts our flags first, so that the user's win, except for the output and for
// what an adoption needs: that has the user's in it.
func (b *Builder) buildArgs(output string, flags, files []string) []string {
	args := []string{"build"}
	if !b.debug {
		args = append(args, b.flags.defaults()...)
	}
	args = append(args, b.user...)
	args = append(args, flags...)
	args = append(args, "-o", output)
	return slices.Concat(args, b.packages, files)
}

// nextOutput returns a file name that no binary has had: one that runs can't be
// overwritten (ETXTBSY), and one that runs no more may be about to start again.
func (b *Builder) nextOutput() string {
	for {
		name := filepath.Join(b.output, b.name+"-"+strconv.FormatInt(b.builds.Add(1), 10))
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// failure returns the error for a build that ended with err after saying output.
func (b *Builder) failure(err error, output string) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, errArchive):
		return &NotMainError{Package: b.Package(), Mains: b.allMains()}
	case !errors.As(err, &exit) || strings.TrimSpace(output) == "":
		return fmt.Errorf("building %s: %w", b.Package(), err)
	}
	found := parse(output, b.sourceFile)
	if len(found) == 0 { // as if all lines were of a kind that says nothing
		found = []Diagnostic{{Message: strings.TrimSpace(output)}}
	}
	return &BuildError{Diagnostics: found, Output: output, program: b.Package()}
}

// sourceFile returns the absolute path of a file that a diagnostic names. Those of C
// compilers are relative to the package's directory, all others to Dir.
func (b *Builder) sourceFile(importPath, file string) string {
	if isLocal(file) || !isC(file) || importPath == "" {
		return b.absolute(file)
	}
	if dir := b.modules().packageDir(importPath); dir != "" && isFile(filepath.Join(dir, file)) {
		return filepath.Join(dir, file)
	}
	return b.absolute(file)
}
