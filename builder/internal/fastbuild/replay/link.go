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
	// Warm prepares for the next edit of a program with these archives, at the lowest priority. An
	// error is the reason why Link will fail.
	Warm(ctx context.Context, c *linktool.Command, archives map[string]string) error
	// Link links archives into the file output. The file may differ from that of the ordinary linker, but
	// the program does the same. Link fails fast where it can't. After an error the file does not exist.
	Link(ctx context.Context, c *linktool.Command, archives map[string]string, buildID, output string) error
	// Verify returns an error if the program that Link has last linked, from these archives, differs
	// from that of the ordinary linker, or can't be compared.
	Verify(ctx context.Context, c *linktool.Command, archives map[string]string) error
}

// LinkedBy is what has linked a program.
type LinkedBy string

// The linkers.
const (
	Delta    LinkedBy = "delta"
	Ordinary LinkedBy = "linker"
)

// linkTo links the archives of the program into a file, with the ordinary linker if the fast one,
// which may be nil, can't.
func (p *Program) linkTo(ctx context.Context, fast Linker, output string) error {
	if fast != nil {
		id, err := p.buildID(p.content)
		if err == nil && fast.Link(ctx, p.fast, p.archives, id, output) == nil {
			p.linkedBy = Delta
			return nil
		}
	}
	id, err := p.buildID(p.sum)
	if err != nil {
		return err
	}
	p.linkedBy = Ordinary
	if err := p.runLinker(ctx, id, output); err != nil {
		return err
	}
	p.content, err = stamp(output, id)
	return err
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
