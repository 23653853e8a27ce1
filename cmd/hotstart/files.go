package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/watcher"
)

// files is what the build reads and what the user named, less what the user
// took away.
func files(g *builder.Graph, p *watcher.Patterns) watcher.Files {
	return watcher.Files{
		Dirs:  g.Dirs,
		Trees: slices.Concat(g.Trees, p.Trees()),
		Skip: func(dir string) bool {
			return (p.Skip(dir) || isHoard(dir)) && g.Skip(dir)
		},
		Match: func(path string) bool {
			return !p.Ignored(path) && (g.Match(path) || p.Watched(path))
		},
	}
}

// isHoard reports whether a directory is one that holds thousands which
// nobody means by a pattern such as **/*.html. A pattern that names it
// begins there.
func isHoard(dir string) bool {
	name := filepath.Base(dir)
	return name == "node_modules" || strings.HasPrefix(name, ".")
}
