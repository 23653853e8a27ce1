package builder

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/builder/direct"
)

// footprint is what tells, without reading a file, whether anything is other than it was
// of all that a build depends on and the user may change.
type footprint struct {
	files  map[string]fileState // those of the graph
	others map[string]fileState // those that lie where the build looks for files, and are not in the graph
	fixed  map[string]fileState // more of them, and those that may not change nor appear
	dirs   map[string]fileState // those where files may appear
	names  map[string]string    // of files that count, by directory
}

// fileState changes with the content of a file. A program may set any time but the last:
// that is the kernel's. The zero value is that of a missing file.
type fileState struct {
	inode                   uint64
	size, modified, changed int64
}

func stateOf(name string) fileState {
	var st unix.Stat_t
	if unix.Stat(name, &st) != nil {
		return fileState{}
	}
	return fileState{uint64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano()}
}

// placing tells when paths may have come to their place by a symbolic link that was made or
// a directory that was moved with all in it, whose files keep their times. It remembers
// what it has looked up.
type placing map[string]int64

func (p placing) latest(path string) int64 {
	if known, ok := p[path]; ok {
		return known
	}
	var st unix.Stat_t
	var latest int64
	if unix.Lstat(path, &st) == nil {
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			latest = st.Ctim.Nano()
		case unix.S_IFDIR: // a new name in it sets both times
			if st.Ctim.Nano() > st.Mtim.Nano() {
				latest = st.Ctim.Nano()
			}
		}
	}
	if above := filepath.Dir(path); above != path {
		latest = max(latest, p.latest(above))
	}
	p[path] = latest
	return latest
}

// agree reports whether files that are in both are in the same state.
func agree(x, y map[string]fileState) bool {
	for name, state := range x {
		if other, ok := y[name]; ok && other != state {
			return false
		}
	}
	return true
}

func states(names []string) map[string]fileState {
	states := make(map[string]fileState, len(names))
	for _, name := range names {
		states[name] = stateOf(name)
	}
	return states
}

// olderThan reports whether nothing was written since then. The clock of a file system
// may be some ms behind, but it takes the go command as long to begin.
func (f footprint) olderThan(start time.Time) bool {
	since := start.UnixNano()
	for _, states := range []map[string]fileState{f.files, f.others, f.fixed, f.dirs} {
		for _, state := range states {
			if state.changed > since {
				return false
			}
		}
	}
	return true
}

// footprint looks at what the graph has, and at what else the program was built with.
func (b *Builder) footprint(g *Graph, program *direct.Program) footprint {
	f := footprint{
		files:  states(slices.Collect(maps.Keys(g.files))),
		others: map[string]fileState{},
		fixed:  states(b.fixed(g, program)),
		dirs:   map[string]fileState{},
		names:  map[string]string{},
	}
	for dir, p := range g.packages {
		f.dirs[dir] = stateOf(dir)
		names := sourceNames(dir)
		f.addOthers(g, dir, names)
		f.names[dir] = strings.Join(names, "/")
		for _, embed := range p.embeds {
			if root := embed.root(dir); root != "" {
				names, types := embed.found(dir, root, f.dirs)
				f.addOthers(g, dir, names)
				f.names[dir] += "//" + strings.Join(names, "//") + "//" + types
			}
		}
	}
	return f
}

// addOthers adds those of the files that are not in the graph: a build constraint may have
// left them out until now, or they came after the list.
func (f footprint) addOthers(g *Graph, dir string, names []string) {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if _, ok := g.files[path]; !ok {
			f.others[path] = stateOf(path)
		}
	}
}

// fixed returns files, missing ones too, that decide what the go command does but are no
// sources. What is in the graph, nil for none, does not count twice.
func (b *Builder) fixed(g *Graph, program *direct.Program) []string {
	adopting := filepath.Join(b.output, "overlay.json")
	all := dirSet{}
	all.add(b.command.path, filepath.Join(b.env.GOROOT, "VERSION"), b.env.GOENV, adopting)
	all.add(b.overlaid(adopting)...)
	seen := dirSet{}
	dirs := []string{b.command.dir}
	if g != nil {
		dirs = slices.AppendSeq(dirs, maps.Keys(g.packages))
	}
	for _, dir := range dirs {
		for ; !seen[dir]; dir = filepath.Dir(dir) {
			seen.add(dir)
			for _, name := range []string{"go.mod", "go.sum", "go.work", "go.work.sum", "vendor/modules.txt"} {
				all.add(filepath.Join(dir, name))
			}
		}
	}
	if program != nil {
		all.add(program.Tools()...)
		for _, p := range program.Packages() {
			all.add(p.Sources...)
			all.add(p.Embeds...)
		}
	}
	if g != nil {
		maps.DeleteFunc(all, func(name string, _ bool) bool { _, ok := g.files[name]; return ok })
	}
	return slices.Collect(maps.Keys(all))
}

// sourceNames returns the names in a directory that may be those of a package's sources,
// or change what the go command makes of it.
func sourceNames(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if name := entry.Name(); isSource(name) || name == "go.mod" || name == "default.pgo" {
			names = append(names, name)
		}
	}
	return names
}

func isSource(name string) bool {
	if name[0] == '.' || name[0] == '_' || strings.HasSuffix(name, "_test.go") {
		return false
	}
	switch filepath.Ext(name) {
	case ".go", ".syso", ".swig", ".swigcxx":
		return true
	}
	return isC(name) || isAssembly(name)
}

// found returns the files that the pattern embeds of the tree at root, relative to the
// package's directory, and their types, and adds the directories to dirs.
func (p embedPattern) found(dir, root string, dirs map[string]fileState) (names []string, types string) {
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, ok := below(dir, path)
		switch {
		case err != nil || !ok:
		case d.IsDir() && !p.enters(dir, rel):
			return fs.SkipDir
		case d.IsDir():
			dirs[path] = stateOf(path)
		case !d.IsDir() && p.takes(dir, filepath.ToSlash(rel)) && !p.passes(dir, rel):
			names = append(names, rel)
			types += d.Type().String()
		}
		return nil
	})
	return names, types
}

// placedBefore reports whether no file of the graph has come to its place since then by a
// link or with a folder.
func (g *Graph) placedBefore(start time.Time) bool {
	p := placing{}
	for name := range g.files {
		if p.latest(name) > start.UnixNano() {
			return false
		}
	}
	return true
}

// current reports whether the graph is surely the one that List would find now.
func (g *Graph) current(now footprint) bool {
	for name, r := range g.files {
		same := r.state == now.files[name]
		if same && !r.settled || !same && g.outdated(name) {
			return false
		}
	}
	for path := range now.others {
		if g.Match(path) {
			return false
		}
	}
	return true
}

// owners returns the directories of the packages that a file is compiled into.
func (g *Graph) owners(path string) (dirs []string) {
	for dir, p := range g.packages {
		rel, below := below(dir, path)
		own := filepath.Dir(path) == dir && filepath.Ext(path) == ".go"
		if own || below && slices.ContainsFunc(p.embeds, func(e embedPattern) bool { return e.takes(dir, filepath.ToSlash(rel)) }) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// shapes returns for each package's directory what decides how the go command compiles it,
// beside the modules: which files there are, with their headers, and what is embedded.
func (g *Graph) shapes() map[string]string {
	lines := map[string][]string{}
	for name, r := range g.files {
		for _, dir := range append(g.owners(name), filepath.Dir(name)) {
			lines[dir] = append(lines[dir], fmt.Sprintf("%q %q", name, r.header))
		}
	}
	shapes := map[string]string{}
	for dir, text := range lines {
		slices.Sort(text)
		shapes[dir] = strings.Join(text, "\n")
	}
	return shapes
}
