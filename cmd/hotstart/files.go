package main

import (
	"path/filepath"
	"strings"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/watcher"
)

// files is what the build reads and what the user named, less what the user
// took away.
func files(g *builder.Graph, c chosen) watcher.Files {
	f := watcher.Files{Dirs: g.Dirs, Trees: g.Trees[:len(g.Trees):len(g.Trees)]}
	for _, p := range c.all() {
		f.Trees = append(f.Trees, p.Trees()...)
	}
	f.Skip = func(dir string) bool {
		if !g.Skip(dir) {
			return false
		}
		for _, p := range c.all() {
			if !p.Skip(dir) {
				return isHoard(dir)
			}
		}
		return true
	}
	f.Match = func(path string) bool {
		if !c.rebuild.Ignored(path) && g.Match(path) {
			return true
		}
		for _, p := range c.all() {
			if p.Watched(path) {
				return !builder.IsTemporary(path)
			}
		}
		return false
	}
	return f
}

// isHoard reports whether a directory is one that holds thousands which
// nobody means by a pattern such as **/*.html. A pattern that names it
// begins there.
func isHoard(dir string) bool {
	name := filepath.Base(dir)
	return name == "node_modules" || strings.HasPrefix(name, ".")
}
