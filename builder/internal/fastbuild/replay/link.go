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
)

// linkTo links the archives of the program into a file. It is the only function that runs the
// linker.
func (p *Program) linkTo(ctx context.Context, output string) error {
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
	id, err := p.setBuildID(args)
	if err != nil {
		return err
	}
	if err := p.link.run(ctx, p.dir, args); err != nil {
		return err
	}
	return stamp(output, id)
}

// setBuildID replaces the build ID in the arguments of the linker by one for the current
// archives, and returns the new ID. The new ID is that of the recorded link with another hash of
// the link action. The linker derives the ID of the host from it, too.
func (p *Program) setBuildID(args []string) (id string, err error) {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-buildid=") })
	if i < 0 {
		return "", errors.New("linking again: the command has no build ID")
	}
	recorded := strings.TrimPrefix(args[i], "-buildid=")
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
	id = own + "/" + middle + own
	args[i] = "-buildid=" + id
	return id, nil
}
