package builder

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Graph is the set of files that a build reads and the user may change: sources of all
// kinds, embedded files, go.mod and the like, but not tests, GOROOT or the module cache.
// It does not change, and its methods may be called at the same time; those that ask
// about a path look at the disk as it is then. Paths are absolute and clean.
type Graph struct {
	Root  string   // import path of the program; "" if unknown
	Dirs  []string // directories to watch, each without what is below it: sorted, absolute
	Trees []string // only if Err is set: roots of modules of which every .go file counts
	Err   error    // why the graph could not be fully loaded; nil if it was

	files    map[string]record
	packages map[string]*source // by directory
	context  build.Context
	vendor   bool // -mod=vendor
}

// record is what is known of a file since the graph was listed.
type record struct {
	header string // see func header
	known  bool   // the header is that of the file which the go command has read
}

// source is the directory of a package that is part of the program.
type source struct {
	dir    string
	embeds []embedPattern
	fixed  bool // the files were named one by one: no other is taken
}

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
	return g.embedded(path) || g.inTree(path)
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
			if embed.takes(p.dir, filepath.ToSlash(rel)) {
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
	dir := filepath.Dir(path)
	return g.treeOf(dir) != "" && !g.Skip(dir)
}

// treeOf returns the innermost of Trees that dir is in, "" if there is none.
func (g *Graph) treeOf(dir string) (tree string) {
	for _, t := range g.Trees {
		if _, ok := below(t, dir); (ok || t == dir) && len(t) > len(tree) {
			tree = t
		}
	}
	return tree
}

// Skip reports whether nothing in or below dir, which lies below one of Trees, ever
// counts: hidden directories, testdata, node_modules, vendor (unless -mod=vendor was
// given), other modules.
func (g *Graph) Skip(dir string) bool {
	tree := g.treeOf(dir)
	if tree == "" {
		return false
	}
	for ; dir != tree; dir = filepath.Dir(dir) {
		name := filepath.Base(dir)
		if neverCounts(name) || name == "vendor" && !g.vendor || isFile(filepath.Join(dir, "go.mod")) {
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
	return slices.ContainsFunc(paths, g.outdated)
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
