package replay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// Linker links a program in less time than the ordinary linker, where it can.
type Linker interface {
	// Prepare makes the linker usable, unless it is or can't be. It may take some seconds, at the
	// lowest priority. It reports whether the linker is new, so that Warm can succeed.
	Prepare(ctx context.Context) bool
	// Warm prepares for the next edit of a program with these archives, at the lowest priority. An
	// error is the reason why Link will fail.
	Warm(ctx context.Context, c *linktool.Command, archives map[string]string) error
	// Link links archives into the file output. It fails fast where it can't. After an error the
	// file may exist.
	Link(ctx context.Context, c *linktool.Command, archives map[string]string, buildID, output string) error
	// Close ends all processes and removes all files. Each further call fails.
	Close()
}

// Linkers are the linkers that are tried before the ordinary one.
type Linkers struct {
	Delta   Linker // writes another file with the same meaning; nil if there is none
	Waiting Linker // writes the file that the ordinary linker would write; nil if there is none
}

// LinkedBy is what has linked a program.
type LinkedBy string

// The linkers.
const (
	Delta    LinkedBy = "delta"
	Waiting  LinkedBy = "waiting linker"
	Ordinary LinkedBy = "linker"
)

// linkTo links the archives of the program into a file, with the fastest linker that can.
func (p *Program) linkTo(ctx context.Context, linkers Linkers, output string) error {
	if p.tryLinker(ctx, linkers.Delta, p.content, output) {
		p.linkedBy = Delta
		return nil
	}
	id, err := p.buildID(p.sum)
	if err != nil {
		return err
	}
	p.linkedBy = Waiting
	if !p.tryLinker(ctx, linkers.Waiting, p.sum, output) {
		p.linkedBy = Ordinary
		if err := p.runLinker(ctx, id, output); err != nil {
			return err
		}
	}
	p.content, err = stamp(output, id)
	return err
}

// tryLinker links with a linker, which may be nil, if that is possible.
func (p *Program) tryLinker(ctx context.Context, l Linker, content, output string) bool {
	if l == nil {
		return false
	}
	id, err := p.buildID(content)
	return err == nil && l.Link(ctx, p.fast, p.archives, id, output) == nil
}

// runLinker runs the recorded command with the archives of the program and another build ID.
func (p *Program) runLinker(ctx context.Context, id, output string) error {
	text, err := withArchives(p.link.ImportConfig, p.archives)
	if err != nil {
		return err
	}
	config, err := p.writeConfig(text)
	if err != nil {
		return err
	}
	defer os.Remove(config)
	args := p.link.with(map[string]string{"-o": output, "-importcfg": config})
	args[len(args)-1] = p.archives[p.main]
	args[slices.IndexFunc(args, isBuildID)] = "-buildid=" + id
	return p.link.run(ctx, p.dir, args)
}

// fastCommand returns a link command without what differs in each build.
func (c *command) fastCommand(main string) *linktool.Command {
	return &linktool.Command{
		Flags:  c.Args[4 : len(c.Args)-1],
		Dir:    c.Dir,
		Env:    c.Env,
		Main:   main,
		Config: func(archives map[string]string) (string, error) { return withArchives(c.ImportConfig, archives) },
	}
}

func isBuildID(arg string) bool { return strings.HasPrefix(arg, "-buildid=") }

// recordedID returns the build ID of the recorded link.
func (p *Program) recordedID() (string, error) {
	i := slices.IndexFunc(p.link.Args, isBuildID)
	if i < 0 {
		return "", errors.New("linking again: the command has no build ID")
	}
	return strings.TrimPrefix(p.link.Args[i], "-buildid="), nil
}

// buildID returns the build ID for the current archives. It is that of the recorded link with
// another hash of the link action, and this last field. The linker derives the ID of the host from
// it, too.
func (p *Program) buildID(last string) (string, error) {
	recorded, err := p.recordedID()
	if err != nil {
		return "", err
	}
	action, rest, _ := strings.Cut(recorded, "/")
	middle, isID := strings.CutSuffix(rest, action)
	if !isID || len(p.sum) != len(action) {
		return "", fmt.Errorf("linking again: unknown format of the build ID %q", recorded)
	}
	return p.sum + "/" + middle + last, nil
}

// sumArchives returns a hash of all that the program is linked from. An archive of the build
// cache is still that of the recording.
func (p *Program) sumArchives() (string, error) {
	recorded, err := p.recordedID()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, recorded)
	for _, path := range slices.Sorted(maps.Keys(p.archives)) {
		if !p.owns(path) {
			continue
		}
		sum, err := archiveSum(p.archives[path])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %x\n", path, sum)
	}
	return shortHash([32]byte(hash.Sum(nil))), nil
}
