package fastbuild

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/replay"
	"github.com/hotstart/hotstart/builder/internal/graph"
)

// fingerprint is a snapshot of the states of the files that a build depends on and the user may
// change. It shows, without reading a file, whether one of them has changed.
type fingerprint struct {
	files  map[string]graph.State // files of the graph
	others map[string]graph.State // other files where the build searches: the graph does not have them
	fixed  map[string]graph.State // files whose change or appearance is more than a change of a source
	dirs   map[string]graph.State // directories where files may appear
	names  map[string]string      // names of sources and embedded files, by directory of the package

	temporary bool // the go command would embed temporary files
}

// fingerprint looks at the files of the graph, and at the files that the program was built with
// besides.
func (c *Cache) fingerprint(g *graph.Graph, program *replay.Program) fingerprint {
	f := fingerprint{
		files:  states(slices.Collect(maps.Keys(g.Files))),
		others: map[string]graph.State{},
		fixed:  states(c.fixedFiles(g, program)),
		dirs:   map[string]graph.State{},
		names:  map[string]string{},
	}
	for dir, p := range g.Packages {
		f.dirs[dir] = graph.StateOf(dir)
		sources := sourceFiles(dir)
		embedded := p.Embedded()
		for _, path := range slices.Concat(sources, embedded.Files) {
			if _, ok := g.Files[path]; !ok {
				f.others[path] = graph.StateOf(path)
			}
		}
		maps.Copy(f.dirs, states(embedded.Dirs))
		f.names[dir] = strings.Join(slices.Concat(sources, embedded.Files, embedded.Types), "\x00")
		f.temporary = f.temporary || len(embedded.Temporary) > 0
	}
	return f
}

// fixedFiles returns files that decide what the go command does, existing or not, except those
// of the graph. program may be nil.
func (c *Cache) fixedFiles(g *graph.Graph, program *replay.Program) []string {
	p := c.Project
	files := []string{p.Go, filepath.Join(p.Env.GOROOT, "VERSION"), p.Env.GOENV, c.Overlay}
	files = append(files, graph.OverlayFiles(p, c.Overlay)...)
	seen := map[string]bool{}
	for _, dir := range slices.AppendSeq([]string{p.Dir}, maps.Keys(g.Packages)) {
		for ; !seen[dir]; dir = filepath.Dir(dir) {
			seen[dir] = true
			for _, name := range []string{"go.mod", "go.sum", "go.work", "go.work.sum", "vendor/modules.txt"} {
				files = append(files, filepath.Join(dir, name))
			}
		}
	}
	if program != nil {
		files = append(files, program.Tools()...)
		for _, p := range program.Packages() {
			files = append(append(files, p.Sources...), p.Embeds...)
		}
	}
	return slices.DeleteFunc(files, func(name string) bool { _, ok := g.Files[name]; return ok })
}

// changedAfter reports whether a file or directory was changed after a time.
func (f fingerprint) changedAfter(t time.Time) bool {
	for _, states := range []map[string]graph.State{f.files, f.others, f.fixed, f.dirs} {
		for _, state := range states {
			if state.ChangedAfter(t) {
				return true
			}
		}
	}
	return false
}

// agree reports whether the files that both maps have are in the same state.
func agree(x, y map[string]graph.State) bool {
	for name, state := range x {
		if other, ok := y[name]; ok && other != state {
			return false
		}
	}
	return true
}

func states(names []string) map[string]graph.State {
	states := make(map[string]graph.State, len(names))
	for _, name := range names {
		states[name] = graph.StateOf(name)
	}
	return states
}

// sourceFiles returns the files in a directory that may be sources of a package, or decide how
// the go command compiles it.
func sourceFiles(dir string) (files []string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		name := entry.Name()
		if name[0] == '.' || name[0] == '_' || strings.HasSuffix(name, "_test.go") {
			continue
		}
		kinds := []string{".go", ".syso", ".swig", ".swigcxx"}
		if graph.IsC(name) || graph.IsAssembly(name) || slices.Contains(kinds, filepath.Ext(name)) || name == "go.mod" || name == "default.pgo" {
			files = append(files, filepath.Join(dir, name))
		}
	}
	return files
}

// isCurrent reports whether a list would certainly return the same graph now.
func isCurrent(g *graph.Graph, now fingerprint) bool {
	for name, file := range g.Files {
		same := file.State == now.files[name]
		if same && !file.Settled || !same && g.Outdated([]string{name}) {
			return false
		}
	}
	return !slices.ContainsFunc(slices.Collect(maps.Keys(now.others)), g.Match)
}

// compiledInto returns the directories of the packages that a file is compiled into.
func compiledInto(g *graph.Graph, path string) (dirs []string) {
	for dir, p := range g.Packages {
		if p.Compiles(path) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// headers returns, for the directory of each package, what decides how the go command compiles
// the package, apart from the modules: the names and the headers of its files.
func headers(g *graph.Graph) map[string]string {
	lines := map[string][]string{}
	for name, file := range g.Files {
		for _, dir := range append(compiledInto(g, name), filepath.Dir(name)) {
			lines[dir] = append(lines[dir], fmt.Sprintf("%q %q", name, file.Header))
		}
	}
	headers := map[string]string{}
	for dir, text := range lines {
		slices.Sort(text)
		headers[dir] = strings.Join(text, "\n")
	}
	return headers
}
