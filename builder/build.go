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

	"github.com/hotstart/hotstart/builder/internal/fastbuild"
	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/graph"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Binary is a program that was built.
type Binary struct {
	Path     string        // absolute
	ID       string        // content field of its Go build ID; "" if it has none
	Duration time.Duration // of the build

	FastBuild bool     // built without the go command; Check verifies such a build
	LinkedBy  LinkedBy // what has linked it
	Recorded  bool     // built by the go command after an earlier build; Check prepares the next one

	// WrongDelta is set by Check if the binary replaces one that was linked wrong by delta. Links by
	// delta are off afterwards.
	WrongDelta error
}

// LinkedBy is what has linked a binary.
type LinkedBy string

// The linkers.
const (
	LinkedByDelta    = LinkedBy(fastbuild.Delta)     // only what has changed was linked
	LinkedByOrdinary = LinkedBy(fastbuild.Ordinary)  // the linker of the Go installation
	LinkedByGo       = LinkedBy(fastbuild.GoCommand) // the whole build
)

// NextLink returns whether the next edit can be linked by delta. reason is why not, or why the last
// edit was not; nil if it was. disabled is the reason why the go command makes all builds; nil if it
// does not.
func (b *Builder) NextLink() (delta bool, reason, disabled error) { return b.cache.NextLink() }

// SameContent reports whether both programs certainly have the same content. Their sources may differ
// in comments.
func (x *Binary) SameContent(other *Binary) bool {
	return x != nil && other != nil && x.ID != "" && x.ID == other.ID
}

// Remove deletes the file. A process that runs it keeps running.
func (x *Binary) Remove() error { return os.Remove(x.Path) }

// BuildError means that the code does not build.
type BuildError struct {
	Diagnostics []Diagnostic // at least one
	Output      string       // whole output of the go command

	// Temporary are existing temporary files that may be the reason of the error, see
	// IsTemporary. Once they are removed, another build may succeed.
	Temporary []string

	program string
}

// Error returns the first diagnostic, and the number of the others.
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
// touched. Where the code does not build, the error is a *BuildError; where the package is not
// a program, a *NotMainError. When ctx is done, Build ends the go command with all its
// processes, removes the unfinished binary and returns an error that wraps ctx.Err().
func (b *Builder) Build(ctx context.Context) (*Binary, error) {
	start := time.Now()
	built, err := b.buildInstrumented(ctx)
	if files := b.temporaryFiles(err); len(files) > 0 && waitUntilRemoved(ctx, files) {
		built, err = b.buildInstrumented(ctx)
	}
	switch {
	case err == nil && b.instrumentation.missesListener(built.Path):
		_ = os.Remove(built.Path)
		built, err = b.buildInstrumented(ctx)
	case b.mayBeInjectionFault(err), b.instrumentation.enabled && outputContains(err, "function main is undeclared"):
		// If the generated file is the only file of the package, a build without it has a better error.
		built, err = b.buildPlain(ctx)
	}
	if broken := new(BuildError); errors.As(err, &broken) {
		broken.Temporary = slices.DeleteFunc(b.temporaryFiles(err), func(file string) bool { return !paths.Exists(file) })
	}
	return newBinary(built, start), err
}

// Check builds the program again with the go command, at the lowest priority, after Build has
// made x without the go command. That fills the build cache as usual, and verifies x: same reports
// that x was compared, and is the same program. If it is, or the sources have changed since, other is
// nil. Otherwise, it is what the go command has built, or err is its error, and the go command makes
// all further builds; see also Binary.WrongDelta. Check also prepares the link by delta of the next edit.
func (b *Builder) Check(ctx context.Context, x *Binary) (other *Binary, same bool, err error) {
	start := time.Now()
	built, same, err := b.cache.Check(ctx, x.ID)
	return newBinary(built, start), same, err
}

// Relink links x again with the ordinary linker, without looking at the sources. It returns nil if
// x is not the last fast build any more.
func (b *Builder) Relink(ctx context.Context, x *Binary) (*Binary, error) {
	start := time.Now()
	built, err := b.cache.Relink(ctx, x.ID)
	return newBinary(built, start), err
}

func newBinary(built *fastbuild.Binary, start time.Time) *Binary {
	if built == nil {
		return nil
	}
	return &Binary{
		Path: built.Path, ID: built.ID, Duration: time.Since(start),
		FastBuild: built.Fast, LinkedBy: LinkedBy(built.LinkedBy), Recorded: built.Recorded, WrongDelta: built.WrongDelta,
	}
}

// buildPlain builds without instrumentation after a build that failed, maybe because of the
// instrumentation. That is certain only if the same code builds without it, and not with it:
// the user may have fixed an error in the meantime.
func (b *Builder) buildPlain(ctx context.Context) (*fastbuild.Binary, error) {
	plain, err := b.compile(ctx, fastbuild.Inputs{})
	if err != nil {
		return nil, err
	}
	_, _ = b.List(ctx) // the user may have renamed the module; an error shows in the next build, too
	instrumented, err := b.buildInstrumented(ctx)
	if b.mayBeInjectionFault(err) {
		b.instrumentation.disable(err)
		return plain, nil
	}
	_ = os.Remove(plain.Path)
	return instrumented, err
}

// buildInstrumented builds once, with instrumentation where that is possible.
func (b *Builder) buildInstrumented(ctx context.Context) (*fastbuild.Binary, error) {
	in, err := b.instrument(ctx)
	if err != nil {
		return nil, err
	}
	return b.compile(ctx, in)
}

func (b *Builder) compile(ctx context.Context, in fastbuild.Inputs) (*fastbuild.Binary, error) {
	in.Flags = append(b.lister.Flags(), in.Flags...)
	return b.cache.Build(ctx, in)
}

// goBuild builds with the go command.
func (b *Builder) goBuild(ctx context.Context, in fastbuild.Inputs, idle bool) (*fastbuild.Binary, error) {
	file, id := b.nextOutput(), ""
	output, err := b.project.Build(ctx, b.project.BuildArgs(file, in.Flags, in.Files), idle, b.report)
	if err == nil {
		id, err = gotool.ContentID(file)
	}
	if err == nil {
		return &fastbuild.Binary{Path: file, ID: id, LinkedBy: fastbuild.GoCommand}, nil
	}
	_ = os.Remove(file) // rarely exists
	return nil, b.failure(err, output)
}

// nextOutput returns a file name that no other binary has had: a file that runs can't be
// overwritten (ETXTBSY), and one that does not may be about to start again.
func (b *Builder) nextOutput() string {
	for {
		name := filepath.Join(b.output, b.name+"-"+strconv.FormatInt(b.builds.Add(1), 10))
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// failure returns the error of a build that ended with err and this output.
func (b *Builder) failure(err error, output string) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, gotool.ErrArchive):
		return &NotMainError{Package: b.Package(), Mains: b.allMains()}
	case !errors.As(err, &exit) || strings.TrimSpace(output) == "":
		return fmt.Errorf("building %s: %w", b.Package(), err)
	}
	found := parse(output, b.sourceFile)
	if len(found) == 0 { // the output is nothing but lines that usually carry no information
		found = []Diagnostic{{Message: strings.TrimSpace(output)}}
	}
	return &BuildError{Diagnostics: found, Output: output, program: b.Package()}
}

// sourceFile returns the absolute path of a file in a diagnostic. C compilers name files
// relative to the package's directory, all other tools relative to Dir.
func (b *Builder) sourceFile(importPath, file string) string {
	if !paths.IsLocal(file) && graph.IsC(file) && importPath != "" {
		if dir := b.modules().PackageDir(importPath); dir != "" && paths.IsFile(filepath.Join(dir, file)) {
			return filepath.Join(dir, file)
		}
	}
	return b.project.Absolute(file)
}

// IsTemporary reports whether a file is, by its name, a temporary file of an editor or another
// tool, which does not concern a build.
func IsTemporary(path string) bool { return graph.IsTemporary(path) }

// temporaryFiles returns the temporary files that the error of a build names, in all
// directories where they may be: the go command writes their names relative to the directory
// of a package, or absolute.
func (b *Builder) temporaryFiles(err error) (files []string) {
	broken := new(BuildError)
	if !errors.As(err, &broken) {
		return nil
	}
	dirs := []string{b.project.Dir}
	if g := b.lister.Latest(); g != nil {
		for dir := range g.Packages {
			dirs = append(dirs, dir)
		}
	}
	for _, d := range broken.Diagnostics {
		for word := range strings.FieldsFuncSeq(d.Message, func(r rune) bool { return strings.ContainsRune(" \t\n:\"'", r) }) {
			if !graph.IsTemporary(word) {
				continue
			}
			for _, dir := range dirs {
				files = append(files, paths.Absolute(dir, word))
			}
		}
	}
	return files
}

// temporaryWait is how long Build waits for the removal of a temporary file before it reports
// an error.
const temporaryWait = 300 * time.Millisecond

// waitUntilRemoved waits until no file exists any more, and reports whether that is so.
func waitUntilRemoved(ctx context.Context, files []string) bool {
	for end := time.Now().Add(temporaryWait); slices.ContainsFunc(files, paths.Exists); {
		if ctx.Err() != nil || time.Now().After(end) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}
