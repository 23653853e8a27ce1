package graph

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/hotstart/hotstart/builder/internal/gotool"
)

// addModFiles adds each go.mod and go.work that takes effect in one of the environments to the
// earlier ones, and returns them all.
func (l *Lister) addModFiles(envs ...gotool.Env) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, env := range envs {
		if env.HasModule() {
			l.modFiles = append(l.modFiles, env.GOMOD)
		}
		if env.HasWorkspace() {
			l.modFiles = append(l.modFiles, env.GOWORK)
		}
	}
	l.modFiles = union(l.modFiles, nil)
	return l.modFiles
}

// keep keeps a graph, and adds to an incomplete one what the last good graph had: while the
// project is broken, the disk may not tell any more which file could repair it.
func (l *Lister) keep(g *Graph) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latest = g
	if l.includes == nil {
		l.includes = map[string][sha256.Size]byte{}
		for _, p := range g.Packages {
			for _, file := range p.includes {
				l.includes[file] = contentSum(file)
			}
		}
	}
	if g.Err == nil {
		l.lastGood = g
	} else if l.lastGood != nil {
		g.merge(l.lastGood)
	}
}

// merge adds what an older graph had.
func (g *Graph) merge(old *Graph) {
	g.Root = cmp.Or(g.Root, old.Root)
	g.Dirs = union(g.Dirs, old.Dirs)
	g.modules = union(g.modules, old.modules)
	for name, file := range old.Files {
		if _, ok := g.Files[name]; !ok {
			g.Files[name] = file
		}
	}
	for dir, before := range old.Packages {
		if now := g.Packages[dir]; now != nil {
			now.Embeds = append(now.Embeds, before.Embeds...)
		} else {
			g.Packages[dir] = before
		}
	}
}

// union returns the elements of both slices, sorted, without duplicates, in a new slice.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
