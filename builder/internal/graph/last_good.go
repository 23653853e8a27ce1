package graph

import (
	"cmp"
	"slices"
	"sync"

	"github.com/hotstart/hotstart/builder/internal/gotool"
)

// history keeps what earlier lists have found. While the project is broken, the disk may not
// tell any more which file could repair it.
type history struct {
	mu       sync.Mutex
	latest   *Graph   // nil before the first list
	lastGood *Graph   // last complete graph; nil before the first one
	modFiles []string // each go.mod and go.work that took effect once: it may come back
}

// addModFiles adds each go.mod and go.work that takes effect in one of the environments to the
// earlier ones, and returns them all.
func (h *history) addModFiles(envs ...gotool.Env) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, env := range envs {
		if env.HasModule() {
			h.modFiles = append(h.modFiles, env.GOMOD)
		}
		if env.HasWorkspace() {
			h.modFiles = append(h.modFiles, env.GOWORK)
		}
	}
	h.modFiles = union(h.modFiles, nil)
	return h.modFiles
}

// complete adds to an incomplete graph what the last good one had, and keeps the graph.
func (h *history) complete(g *Graph) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.latest = g
	if g.Err == nil {
		h.lastGood = g
	} else if h.lastGood != nil {
		g.merge(h.lastGood)
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
