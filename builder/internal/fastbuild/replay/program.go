package replay

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/prelink"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Program can be built again. It does not change: each build makes a new Program.
type Program struct {
	dir      string              // directory of its own archives
	packages map[string]*Package // those that can be compiled again, by import path
	link     *command
	prelink  *linktool.Command // the same for a waiting linker
	main     string            // import path of package main
	archives map[string]string // of all packages, by import path

	prelinked bool // linked by a waiting linker
}

// Package can be compiled again.
type Package struct {
	Sources []string // absolute, sorted
	Embeds  []string // absolute, sorted

	command *command
	imports []string // packages whose archives the compiler reads
}

// Load makes a Program of a recorded build. The Program has its own archives. A package that
// the build took from the build cache can be compiled again if the older Program, which may be
// nil, can compile the package, and valid reports that its command still fits.
func (r *Recording) Load(older *Program, valid func(*Package) bool) (*Program, error) {
	compiled, link, err := r.commands()
	if err != nil {
		return nil, err
	}
	if err := link.checkLink(); err != nil {
		return nil, err
	}
	p := &Program{dir: filepath.Dir(r.dir), packages: map[string]*Package{}, link: link}
	p.archives = archivesIn(link.ImportConfig)
	for path, file := range p.archives {
		if file == paths.Absolute(link.Dir, link.Args[len(link.Args)-1]) {
			p.main = path
		}
	}
	if p.main == "" {
		return nil, fmt.Errorf("linking again: package main has no archive")
	}
	p.prelink = link.prelinkCommand(p.main)
	if err := p.moveArchives(link.Kept); err != nil {
		return nil, err
	}
	if older != nil {
		for path, known := range older.packages {
			if p.archives[path] != "" && !p.owns(path) && valid(known) {
				p.packages[path] = known
			}
		}
	}
	for _, c := range compiled {
		if known, err := newPackage(c); err == nil && p.owns(c.Package) {
			if _, err := exportData(p.archives[c.Package]); err == nil {
				p.packages[c.Package] = known
			}
		}
	}
	return p, nil
}

// moveArchives moves archives out of the directory of a recording, which will be removed.
func (p *Program) moveArchives(kept map[string]string) error {
	for path, file := range kept {
		own, err := p.newFile("*.a")
		if err != nil {
			return err
		}
		if err := os.Rename(file, own); err != nil {
			return err
		}
		p.archives[path] = own
	}
	return nil
}

// owns reports whether the archive of a package is one of the program's own, which is not in
// the build cache.
func (p *Program) owns(path string) bool { return paths.Inside(p.dir, p.archives[path]) }

func (p *Program) newFile(pattern string) (string, error) {
	f, err := os.CreateTemp(p.dir, pattern)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// writeConfig writes the configuration file of one command.
func (p *Program) writeConfig(content string) (name string, err error) {
	if name, err = p.newFile("*.cfg"); err != nil {
		return "", err
	}
	return name, os.WriteFile(name, []byte(content), 0o600)
}

func newPackage(c *command) (*Package, error) {
	sources, err := c.sources()
	if err != nil {
		return nil, err
	}
	embeds, err := c.embedded()
	if err != nil {
		return nil, err
	}
	return &Package{
		Sources: slices.Sorted(slices.Values(sources)),
		Embeds:  embeds,
		command: c,
		imports: slices.Sorted(maps.Keys(archivesIn(c.ImportConfig))),
	}, nil
}

// Packages returns the packages that can be compiled again, by import path. The caller must not
// change them.
func (p *Program) Packages() map[string]*Package { return p.packages }

// Prelinked reports whether a waiting linker has linked the program.
func (p *Program) Prelinked() bool { return p.prelinked }

// Tools returns the compilers and the linker that build the program.
func (p *Program) Tools() []string {
	tools := []string{p.link.Tool}
	for _, known := range p.packages {
		tools = append(tools, known.command.Tool)
	}
	slices.Sort(tools)
	return slices.Compact(tools)
}

// Build compiles the changed packages, and those that import a package whose export data has
// changed, and links the program into the file output, with a waiting linker if there is one. It
// returns the new program.
func (p *Program) Build(ctx context.Context, changed []string, linker *prelink.Linker, output string) (*Program, error) {
	next := *p
	next.archives = maps.Clone(p.archives)
	err := next.compileAll(ctx, changed)
	if err == nil {
		err = next.linkTo(ctx, linker, output)
	}
	if err != nil {
		next.RemoveExcept(p)
		_ = os.Remove(output)
		return nil, err
	}
	return &next, nil
}

// Warm starts a linker that waits for the next edit of the program, if that is possible.
func (p *Program) Warm(ctx context.Context, linker *prelink.Linker) error {
	return linker.Warm(ctx, p.prelink, p.archives)
}

// RemoveExcept removes the program's own archives, except those that another program, which may
// be nil, shares.
func (p *Program) RemoveExcept(other *Program) {
	for path, file := range p.archives {
		if p.owns(path) && (other == nil || other.archives[path] != file) {
			_ = os.Remove(file)
		}
	}
}
