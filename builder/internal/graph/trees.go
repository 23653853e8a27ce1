package graph

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// setTrees sets Trees, from the other fields.
func (g *Graph) setTrees() {
	trees := dirSet{}
	g.embedding = map[string]bool{}
	for _, p := range g.Packages {
		for _, embed := range p.Embeds {
			if root := embed.root(p.Dir); root != "" {
				trees[root], g.embedding[root] = true, true
			}
		}
	}
	if g.Err != nil {
		for _, root := range g.modules {
			if !g.isBogusRoot(root) {
				trees[root] = true
				delete(g.embedding, root)
			}
		}
	}
	g.Trees = trees.sorted()
}

// isBogusRoot reports whether a replace directive points at a directory above the project that
// has no go.mod, such as /, which is most likely a mistake. Such a tree is not watched. With a
// go.mod, the directory is a module.
func (g *Graph) isBogusRoot(root string) bool {
	above := slices.ContainsFunc(g.modules, func(other string) bool { return other != root && paths.Inside(root, other) })
	return above && paths.IsDir(root) && !paths.IsFile(filepath.Join(root, "go.mod"))
}

// Skip reports whether a directory need not be watched for Trees, see builder.Graph.
func (g *Graph) Skip(dir string) bool {
	return !g.mayHavePackage(dir) && !g.mayEmbedFrom(dir)
}

// mayBeSource reports whether a file may concern the build while the graph is incomplete.
func (g *Graph) mayBeSource(path string) bool {
	name := filepath.Base(path)
	switch name {
	case "go.mod", "go.sum", "go.work", "go.work.sum":
	default:
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || IgnoredName(name) {
			return false
		}
	}
	return g.mayHavePackage(filepath.Dir(path))
}

// mayHavePackage reports whether a directory is in one of the modules among Trees and the go
// command might find a package there.
func (g *Graph) mayHavePackage(dir string) bool {
	module := "" // the innermost one
	for _, tree := range g.Trees {
		if paths.Inside(tree, dir) && !g.embedding[tree] && len(tree) > len(module) {
			module = tree
		}
	}
	if module == "" {
		return false
	}
	for ; dir != module; dir = filepath.Dir(dir) {
		name := filepath.Base(dir)
		if IgnoredName(name) || name == "vendor" && !g.vendor || paths.IsFile(filepath.Join(dir, "go.mod")) {
			return false
		}
	}
	return true
}

// mayEmbedFrom reports whether an embed pattern matches files in or below a directory, or would
// match such files.
func (g *Graph) mayEmbedFrom(dir string) bool {
	for _, p := range g.Packages {
		rel, ok := paths.Below(p.Dir, dir)
		if ok && slices.ContainsFunc(p.Embeds, func(e EmbedPattern) bool { return e.enters(p.Dir, rel) }) {
			return true
		}
	}
	return false
}

// IgnoredName reports whether a search for packages skips files and directories of this name.
// The go command does not skip node_modules, but no Go package of the user is there.
func IgnoredName(name string) bool {
	return name[0] == '.' || name[0] == '_' || name == "testdata" || name == "node_modules"
}

// dirSet is a set of directories.
type dirSet map[string]bool

func (s dirSet) add(dirs ...string) {
	for _, dir := range dirs {
		s[dir] = true
	}
}

func (s dirSet) sorted() []string {
	dirs := make([]string, 0, len(s))
	for dir := range s {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}
