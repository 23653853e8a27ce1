package builder

import (
	"cmp"
	"slices"
	"sync"
)

// memory is what of earlier lists must not be forgotten while the project is broken:
// nothing on the disk may tell any more what would repair it.
type memory struct {
	mu    sync.Mutex
	good  *Graph   // the newest that was fully loaded; nil: none yet
	files []string // each go.mod and go.work that was in force: it may come back
}

// modFiles adds each go.mod and go.work that is in force in one of these environments to
// those that were, and returns all.
func (m *memory) modFiles(envs ...goEnv) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, env := range envs {
		if env.hasModule() {
			m.files = append(m.files, env.GOMOD)
		}
		if env.hasWorkspace() {
			m.files = append(m.files, env.GOWORK)
		}
	}
	m.files = union(m.files, nil)
	return m.files
}

// complete adds to a graph that is not fully loaded what the last good one knew, and
// remembers one that is.
func (m *memory) complete(g *Graph) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g.Err == nil {
		m.good = g
	} else if m.good != nil {
		g.keep(m.good)
	}
}

// keep adds what an older graph knew.
func (g *Graph) keep(old *Graph) {
	g.Root = cmp.Or(g.Root, old.Root)
	g.Dirs = union(g.Dirs, old.Dirs)
	g.modules = union(g.modules, old.modules)
	for name, r := range old.files {
		if _, ok := g.files[name]; !ok {
			g.files[name] = r
		}
	}
	for dir, before := range old.packages {
		if now := g.packages[dir]; now != nil {
			now.embeds = append(now.embeds, before.embeds...)
		} else {
			g.packages[dir] = before
		}
	}
}

// union returns what is in one of both, sorted, each once, in a new slice.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
