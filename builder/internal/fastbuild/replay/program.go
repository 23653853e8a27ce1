package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Program can be built again. It does not change: each build makes a new Program.
type Program struct {
	dir      string              // directory of its own archives
	packages map[string]*Package // those that can be compiled again, by import path
	link     *command
	fast     *linktool.Command // the same for a fast linker
	main     string            // import path of package main
	archives map[string]string // of all packages, by import path
	sum      string            // hash of its own archives

	linkedBy LinkedBy // "" for the go command
	content  string   // last field of the build ID of the binary; "" if it has none
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
// nil, can compile the package, and valid reports that its command still fits. content is the last
// field of the build ID of the binary.
func (r *Recording) Load(older *Program, valid func(*Package) bool, content string) (*Program, error) {
	compiled, link, err := r.commands()
	if err != nil {
		return nil, err
	}
	if err := link.checkLink(); err != nil {
		return nil, err
	}
	p := &Program{dir: filepath.Dir(r.dir), packages: map[string]*Package{}, link: link, content: content}
	p.archives = archivesIn(link.ImportConfig)
	for path, file := range p.archives {
		if file == paths.Absolute(link.Dir, link.Args[len(link.Args)-1]) {
			p.main = path
		}
	}
	if p.main == "" {
		return nil, fmt.Errorf("linking again: package main has no archive")
	}
	p.fast = link.fastCommand(p.main)
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
	p.sum, err = p.sumArchives()
	return p, err
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

// LinkedBy returns what has linked the program; "" is the go command.
func (p *Program) LinkedBy() LinkedBy { return p.linkedBy }

// Content returns the last field of the build ID of the binary, which differs if the binary may
// have another content. It is "" if the binary has no such ID.
func (p *Program) Content() string { return p.content }

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
// changed, and links the program into the file output, with the linker if it is not nil and can. It
// returns the new program. A program of the same archives has the same content.
func (p *Program) Build(ctx context.Context, changed []string, linker Linker, output string) (*Program, error) {
	next := *p
	next.archives = maps.Clone(p.archives)
	err := next.compileAll(ctx, changed)
	if err == nil {
		next.sum, err = next.sumArchives()
	}
	if next.sum != p.sum || p.content == "" {
		next.content = next.sum
	}
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

// Relink links the program with the ordinary linker into the file output. It returns a program
// with the same archives.
func (p *Program) Relink(ctx context.Context, output string) (*Program, error) {
	next := *p
	if err := next.linkTo(ctx, nil, output); err != nil {
		_ = os.Remove(output)
		return nil, err
	}
	return &next, nil
}

// Warm lets a linker prepare for the next edit of the program.
func (p *Program) Warm(ctx context.Context, linker Linker) error {
	return linker.Warm(ctx, p.fast, p.archives)
}

// ErrOther means that a build was linked from other archives.
var ErrOther = errors.New("other archives")

// Compare returns an error that wraps ErrOther if a build was linked from other archives than the
// program, apart from their build IDs. Any other error means that they were not compared.
func (p *Program) Compare(other *Recording) error {
	archives, err := other.archives()
	if err != nil {
		return err
	}
	if len(archives) != len(p.archives) {
		return fmt.Errorf("%w: %d packages instead of %d", ErrOther, len(p.archives), len(archives))
	}
	for path, file := range archives {
		if file == p.archives[path] {
			continue // of the build cache
		}
		want, err := archiveSum(file)
		if err != nil {
			return err
		}
		got, err := archiveSum(p.archives[path])
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%w: package %s was compiled differently", ErrOther, path)
		}
	}
	return nil
}

// Verify compares the last link of the program, which the linker has made, with an ordinary one.
func (p *Program) Verify(ctx context.Context, linker Linker) error {
	return linker.Verify(ctx, p.fast, p.archives)
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
