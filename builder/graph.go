package builder

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Graph is the set of files that a build reads and the user may change: sources of all
// kinds, embedded files, go.mod and the like, but not tests, GOROOT or the module cache.
//
// Below Trees, directories may come and go without a new graph. They are those that embed
// patterns search and, only if Err is set, the roots of modules, of which every .go file
// counts. Dirs and Trees may be missing on the disk: then their return is what to wait for.
//
// If Err is set, the graph has all that the last good one had, too, since that may be
// what repairs the project.
//
// A graph does not change, and its methods may be called at the same time; those that ask
// about a path look at the disk as it is then. Paths are absolute and clean.
type Graph struct {
	Root    string   // import path of the program; "" if unknown
	Dirs    []string // directories to watch, each without what is below it: sorted, absolute
	Trees   []string // directories to watch with all below them that Skip does not name: sorted, absolute
	Missing []string // files that were listed and are not there any more: the build may have read them
	Err     error    // why the graph could not be fully loaded; nil if it was

	files     map[string]record
	packages  map[string]*source // by directory
	modules   []string           // roots of the modules
	embedding map[string]bool    // those of Trees that only embed patterns search
	context   build.Context
	vendor    bool // -mod=vendor

	workspaces []string // of files: each go.work that would come into force if it appeared
}

// record is what is known of a file since the graph was listed.
type record struct {
	header  string // see func header
	known   bool   // the header is that of the file which the go command has read
	state   fileState
	settled bool // it was in that state when the list began
}

// source is the directory of a package that is part of the program.
type source struct {
	path   string // import path
	dir    string
	embeds []embedPattern

	includes []string // files elsewhere that its sources include
	fixed    bool     // the files were named one by one: no other is taken
}

// Source returns the file that a program built with -trimpath calls by this name: the path of
// the module, maybe with a version, or of the package instead of the directory. It is "" for
// one that is not among the sources which the user may change.
func (g *Graph) Source(trimmed string) string {
	dir, name := path.Split(trimmed)
	dir = versions.ReplaceAllString(strings.TrimSuffix(dir, "/"), "")
	if dir == "." {
		dir = "command-line-arguments" // of files that were named one by one
	}
	for _, p := range g.packages {
		if file := filepath.Join(p.dir, name); p.path == dir && g.Match(file) {
			return file
		}
	}
	return ""
}

// versions are those of modules in a path. No path of a package has such a sign.
var versions = regexp.MustCompile(`@[^/]*`)

// Match reports whether the change, appearance or deletion of a file counts. A file that
// the build did not read when the graph was listed counts if the go command would take
// it now.
func (g *Graph) Match(path string) bool {
	if _, ok := g.files[path]; ok {
		return true
	}
	if p := g.packages[filepath.Dir(path)]; p != nil && !p.fixed && g.takes(path) {
		return true
	}
	return g.embedded(path) || g.inTree(path) || filepath.Base(path) == "go.mod" && g.bounds(filepath.Dir(path))
}

// bounds reports whether a go.mod in the directory takes something out of the build: a
// package, or files that are embedded.
func (g *Graph) bounds(dir string) bool {
	for _, p := range g.packages {
		module := ""
		for _, root := range g.modules {
			if inside(root, p.dir) && len(root) > len(module) {
				module = root
			}
		}
		if inside(dir, p.dir) && dir != module && inside(module, dir) {
			return true
		}
		rel, ok := below(p.dir, dir)
		if ok && slices.ContainsFunc(p.embeds, func(e embedPattern) bool { return e.takes(p.dir, filepath.ToSlash(rel)) }) {
			return true
		}
	}
	return false
}

// takes reports whether a file is one of the package in its directory.
func (g *Graph) takes(path string) bool {
	dir, name := filepath.Split(path)
	if strings.HasSuffix(name, "_test.go") {
		return false
	}
	if !g.context.CgoEnabled && (isC(name) && !strings.HasPrefix(filepath.Ext(name), ".h") || importsC(path)) {
		return false
	}
	context := g.context
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		// A build may have taken it after the graph was listed. What it held can't be
		// asked any more, only what its name says.
		context.OpenFile = func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("package gone\n")), nil
		}
	}
	ok, err := context.MatchFile(dir, name)
	// A file that can't be understood breaks the build: that counts too.
	return ok || err != nil && filepath.Ext(name) == ".go" && name[0] != '_' && name[0] != '.' && isFile(path)
}

func importsC(path string) bool {
	text, _ := header(path)
	_, imports, _ := strings.Cut(text, "\n")
	imports, _, _ = strings.Cut(imports, "\n")
	return strings.Contains(imports, `"C"`)
}

func (g *Graph) embedded(path string) bool {
	for _, p := range g.packages {
		rel, ok := below(p.dir, path)
		if !ok {
			continue
		}
		for _, embed := range p.embeds {
			if embed.takes(p.dir, filepath.ToSlash(rel)) && !embed.passes(p.dir, rel) {
				return true
			}
		}
	}
	return false
}

// inTree reports whether a file counts for as long as it is unknown which ones do.
func (g *Graph) inTree(path string) bool {
	name := filepath.Base(path)
	switch name {
	case "go.mod", "go.sum", "go.work", "go.work.sum":
	default:
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || neverCounts(name) {
			return false
		}
	}
	return g.mayHavePackage(filepath.Dir(path))
}

// setTrees sets Trees, from what else is known.
func (g *Graph) setTrees() {
	trees := dirSet{}
	g.embedding = map[string]bool{}
	for _, p := range g.packages {
		for _, embed := range p.embeds {
			if root := embed.root(p.dir); root != "" {
				trees[root], g.embedding[root] = true, true
			}
		}
	}
	if g.Err != nil {
		for _, root := range g.modules {
			if g.isSlip(root) {
				continue
			}
			trees[root] = true
			delete(g.embedding, root)
		}
	}
	g.Trees = trees.sorted()
}

// isSlip reports whether the root of a module can't be meant: a replace that names a
// folder above the project, maybe / itself, where no go.mod is. It is not to be watched
// with all below it; once it has a go.mod it is a module.
func (g *Graph) isSlip(root string) bool {
	above := slices.ContainsFunc(g.modules, func(other string) bool { return other != root && inside(root, other) })
	return above && isDir(root) && !isFile(filepath.Join(root, "go.mod"))
}

// moduleOf returns the innermost module among Trees that dir is in, "" if there is none.
func (g *Graph) moduleOf(dir string) (tree string) {
	for _, t := range g.Trees {
		if inside(t, dir) && !g.embedding[t] && len(t) > len(tree) {
			tree = t
		}
	}
	return tree
}

// Skip reports whether nothing in or below dir counts for the sake of Trees. In modules
// that are hidden directories, testdata, node_modules, vendor (unless -mod=vendor was
// given) and other modules, unless an embed pattern searches them. All outside of Trees
// is skipped.
func (g *Graph) Skip(dir string) bool {
	return !g.mayHavePackage(dir) && !g.mayEmbedFrom(dir)
}

// mayHavePackage reports whether dir is in one of the modules among Trees and the go
// command might find a package there.
func (g *Graph) mayHavePackage(dir string) bool {
	tree := g.moduleOf(dir)
	if tree == "" {
		return false
	}
	for ; dir != tree; dir = filepath.Dir(dir) {
		name := filepath.Base(dir)
		if neverCounts(name) || name == "vendor" && !g.vendor || isFile(filepath.Join(dir, "go.mod")) {
			return false
		}
	}
	return true
}

// mayEmbedFrom reports whether a pattern embeds files in or below dir, or would if there
// were any.
func (g *Graph) mayEmbedFrom(dir string) bool {
	for _, p := range g.packages {
		rel, ok := below(p.dir, dir)
		if ok && slices.ContainsFunc(p.embeds, func(e embedPattern) bool { return e.enters(p.dir, rel) }) {
			return true
		}
	}
	return false
}

// neverCounts reports whether the go command, or everybody, passes over such a name in
// its search for packages.
func neverCounts(name string) bool {
	return name[0] == '.' || name[0] == '_' || name == "testdata" || name == "node_modules"
}

// Outdated reports whether List might return another graph now that these files have
// changed: because of the headers of sources, a file more or less, or what describes
// modules. It costs much less than a List, about 0.1 ms a file.
func (g *Graph) Outdated(paths []string) bool {
	return slices.ContainsFunc(paths, g.outdated) || len(paths) > 0 && slices.ContainsFunc(g.workspaces, func(path string) bool {
		return stateOf(path) != g.files[path].state // not all of their directories are watched
	})
}

func (g *Graph) outdated(path string) bool {
	old, ok := g.files[path]
	switch {
	case !ok:
		return g.Match(path)
	case g.Err != nil || !old.known:
		return true
	}
	now, ok := header(path)
	return !ok || now != old.header
}

// below returns the path from dir to what lies below it.
func below(dir, path string) (rel string, ok bool) {
	if rel, ok = strings.CutPrefix(path, dir); ok && rel != "" && dir != "/" {
		rel, ok = strings.CutPrefix(rel, "/")
	}
	return rel, ok && rel != ""
}
