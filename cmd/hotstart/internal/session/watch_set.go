package session

import (
	"path/filepath"
	"strings"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/watcher"
)

// watchSet returns the files to watch: those that the build reads and those
// that match a pattern, without the ignored ones.
func watchSet(g *builder.Graph, p patterns) watcher.Files {
	f := watcher.Files{Dirs: g.Dirs, Trees: g.Trees[:len(g.Trees):len(g.Trees)]}
	for _, one := range p.all() {
		f.Trees = append(f.Trees, one.Trees()...)
	}
	f.Skip = func(dir string) bool {
		if !g.Skip(dir) {
			return false
		}
		for _, one := range p.all() {
			if !one.Skip(dir) {
				return isCrowded(dir)
			}
		}
		return true
	}
	f.Match = func(path string) bool {
		if !p.rebuild.Ignored(path) && g.Match(path) {
			return true
		}
		for _, one := range p.all() {
			if one.Watched(path) {
				return !builder.IsTemporary(path)
			}
		}
		return false
	}
	return f
}

// isCrowded reports whether a directory usually has thousands of files that a
// pattern such as **/*.html is not meant for. A pattern that names the
// directory begins there.
func isCrowded(dir string) bool {
	name := filepath.Base(dir)
	return name == "node_modules" || strings.HasPrefix(name, ".")
}
