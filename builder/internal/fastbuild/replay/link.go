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
	"github.com/hotstart/hotstart/builder/internal/fastbuild/prelink"
)

// linkTo links the archives of the program into a file. The linker that waits is tried first: it
// writes the same file as the recorded command.
func (p *Program) linkTo(ctx context.Context, linker *prelink.Linker, output string) error {
	id, err := p.newBuildID()
	if err != nil {
		return err
	}
	p.prelinked = linker.Link(ctx, p.prelink, p.archives, id, output) == nil
	if !p.prelinked {
		if err := p.runLinker(ctx, id, output); err != nil {
			return err
		}
	}
	return stamp(output, id)
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

// prelinkCommand returns a link command without what differs in each build.
func (c *command) prelinkCommand(main string) *linktool.Command {
	return &linktool.Command{
		Flags:  c.Args[4 : len(c.Args)-1],
		Dir:    c.Dir,
		Env:    c.Env,
		Main:   main,
		Config: func(archives map[string]string) (string, error) { return withArchives(c.ImportConfig, archives) },
	}
}

func isBuildID(arg string) bool { return strings.HasPrefix(arg, "-buildid=") }

// newBuildID returns the build ID for the current archives. It is that of the recorded link with
// another hash of the link action. The linker derives the ID of the host from it, too.
func (p *Program) newBuildID() (string, error) {
	i := slices.IndexFunc(p.link.Args, isBuildID)
	if i < 0 {
		return "", errors.New("linking again: the command has no build ID")
	}
	recorded := strings.TrimPrefix(p.link.Args[i], "-buildid=")
	action, rest, _ := strings.Cut(recorded, "/")
	middle, isID := strings.CutSuffix(rest, action)
	hash := sha256.New()
	fmt.Fprintln(hash, recorded)
	for _, path := range slices.Sorted(maps.Keys(p.archives)) {
		if !p.owns(path) {
			continue // an archive of the build cache is still that of the recording
		}
		if err := copyTo(hash, p.archives[path]); err != nil {
			return "", err
		}
	}
	own := shortHash([32]byte(hash.Sum(nil)))
	if !isID || len(own) != len(action) {
		return "", fmt.Errorf("linking again: unknown format of the build ID %q", recorded)
	}
	return own + "/" + middle + own, nil
}
