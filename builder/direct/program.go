package direct

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Program can be built again. It does not change: each build makes a new one.
type Program struct {
	dir      string              // where its own archives are
	packages map[string]*Package // those that can be compiled again, by import path
	link     *command
	main     string            // import path of package main
	archives map[string]string // of every package that is linked, by import path
}

// A Package can be compiled again.
type Package struct {
	Sources []string // absolute, sorted
	Embeds  []string // absolute, sorted

	command *command
	imports []string // the packages whose archives the compiler reads
}

// Load makes a Program of a build that was recorded, with archives of its own in dir. Of
// the packages that this build did not compile it has those of the older one, nil for
// none, that still says of are kept.
func (r *Recording) Load(older *Program, still func(*Package) bool) (*Program, error) {
	compiled, link, err := r.commands()
	if err != nil {
		return nil, err
	}
	if err := link.checkLink(); err != nil {
		return nil, err
	}
	p := &Program{dir: filepath.Dir(r.dir), packages: map[string]*Package{}, link: link}
	config := parseConfig(link.ImportConfig)
	p.archives = config.archives()
	for path, file := range p.archives {
		if file == absolute(link.Dir, link.Args[len(link.Args)-1]) {
			p.main = path
		}
	}
	if p.main == "" {
		return nil, fmt.Errorf("linking again: package main has no archive")
	}
	if err := p.takeOver(link.Kept); err != nil {
		return nil, err
	}
	p.know(compiled, older, still)
	return p, nil
}

// commands reads what was recorded.
func (r *Recording) commands() (compiled []*command, link *command, err error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		c := new(command)
		content, err := os.ReadFile(filepath.Join(r.dir, entry.Name()))
		if err == nil {
			err = json.Unmarshal(content, c)
		}
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("reading a recorded command: %w", err)
		case !strings.HasPrefix(entry.Name(), "link-"):
			compiled = append(compiled, c)
		case link != nil:
			return nil, nil, fmt.Errorf("several programs were linked")
		default:
			link = c
		}
	}
	if link == nil {
		return nil, nil, fmt.Errorf("nothing was linked")
	}
	return compiled, link, nil
}

// takeOver moves archives to where the recording does not remove them.
func (p *Program) takeOver(kept map[string]string) error {
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

func (p *Program) newFile(pattern string) (string, error) {
	f, err := os.CreateTemp(p.dir, pattern)
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// know sets the packages that can be compiled again.
func (p *Program) know(compiled []*command, older *Program, still func(*Package) bool) {
	if older != nil {
		for path, known := range older.packages {
			if !inside(p.dir, p.archives[path]) && p.archives[path] != "" && still(known) {
				p.packages[path] = known
			}
		}
	}
	for _, c := range compiled {
		if known, err := newPackage(c); err == nil && inside(p.dir, p.archives[c.Package]) && p.fits(c.Package) {
			p.packages[c.Package] = known
		}
	}
}

// fits reports whether an archive has all that the compiler has written, and no more.
func (p *Program) fits(path string) bool {
	_, err := exported(p.archives[path])
	return err == nil
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
		imports: slices.Sorted(maps.Keys(parseConfig(c.ImportConfig).archives())),
	}, nil
}

// Packages returns those that can be compiled again, by import path. They are not to be
// changed.
func (p *Program) Packages() map[string]*Package { return p.packages }

// Tools returns the programs that build it.
func (p *Program) Tools() []string {
	tools := []string{p.link.Tool}
	for _, known := range p.packages {
		tools = append(tools, known.command.Tool)
	}
	slices.Sort(tools)
	return slices.Compact(tools)
}

// Build compiles packages of the program again, and those above them as far as what they
// export has changed, and links it into the file output. It returns the program as it is
// then.
func (p *Program) Build(ctx context.Context, changed []string, output string) (*Program, error) {
	next := &Program{dir: p.dir, packages: p.packages, link: p.link, main: p.main, archives: maps.Clone(p.archives)}
	err := next.compileAll(ctx, changed)
	if err == nil {
		err = next.linkTo(ctx, output)
	}
	if err != nil {
		next.removeBut(p)
		_ = os.Remove(output)
		return nil, err
	}
	return next, nil
}

// Forget removes what only an older program has needed; nil for none.
func (p *Program) Forget(older *Program) {
	if older != nil {
		older.removeBut(p)
	}
}

// removeBut removes the archives of its own that the other program does not share.
func (p *Program) removeBut(other *Program) {
	for path, file := range p.archives {
		if inside(p.dir, file) && other.archives[path] != file {
			_ = os.Remove(file)
		}
	}
}
