package loader

import (
	"cmd/internal/objabi"
	"sort"
)

// SiteTarget returns the symbol that a site names. It fails if there is none.
func (l *Loader) SiteTarget(site *Site) Sym {
	name := l.base.string(site.target)
	s := l.Lookup(name, int(site.ABI))
	if s == 0 {
		l.base.Fail("%s is needed by a cold package, but not defined", name)
	}
	return s
}

// CallsMethod reports whether the base calls a method of interfaces.
func (l *Loader) CallsMethod(m Method) bool {
	return contains(l.base.ifaces, hashOf(m.Name, l.SymName(m.Type))) || l.LooksUpMethod(m.Name)
}

// LooksUpMethod reports whether the base looks up methods with a name by reflection.
func (l *Loader) LooksUpMethod(name string) bool { return contains(l.base.generics, hashOf(name)) }

func contains(sorted []uint64, h uint64) bool {
	i := sort.Search(len(sorted), func(i int) bool { return sorted[i] >= h })
	return i < len(sorted) && sorted[i] == h
}

// TypesWithMethod calls f for each type of the base that lacks a method.
func (l *Loader) TypesWithMethod(m Method, f func(Sym)) {
	for _, p := range l.base.withSignature(hashOf(m.Name, l.SymName(m.Type))) {
		f(l.symFor(p.typ))
	}
}

// TypesWithMethodName calls f for each type of the base that lacks a method with a name.
func (l *Loader) TypesWithMethodName(name string, f func(Sym)) {
	h := hashOf(name)
	for _, p := range l.base.pruned {
		if p.name == h {
			f(l.symFor(p.typ))
		}
	}
}

// LacksExported reports whether the base lacks an exported method.
func (b *Base) LacksExported() bool {
	for _, p := range b.pruned {
		if p.exported != 0 {
			return true
		}
	}
	return false
}

// TaskName returns the name of an init task.
func (b *Base) TaskName(t *Task) string { return b.string(t.name) }

// TaskDeps returns the names of the init tasks that an init task depends on.
func (b *Base) TaskDeps(t *Task) (names []string) {
	for _, ref := range b.taskDeps[t.dep : t.dep+t.deps] {
		names = append(names, b.string(ref))
	}
	return names
}

// Hot reports whether the init task is that of a hot package.
func (t *Task) Hot() bool { return t.record == 0 }

// Runs reports whether the init task has functions to call.
func (t *Task) Runs() bool { return t.runs != 0 }

// TaskSym returns the init task of a cold package.
func (l *Loader) TaskSym(t *Task) Sym { return l.symFor(t.record) }

// Patch is a change of the base.
type Patch struct {
	Addr uint64
	Size uint8
	Type objabi.RelocType
	Sym  Sym
	Add  int64
}

// Patches calls f for each place of the base that names a symbol of the delta.
func (l *Loader) Patches(f func(Patch)) {
	b := l.base
	for i := range b.Sites {
		if site := &b.Sites[i]; site.Size != 0 {
			f(Patch{site.Addr, site.Size, objabi.RelocType(site.Type), l.SiteTarget(site), site.Add})
		}
	}
	for _, id := range append(b.made, b.replaced...) {
		s := l.symFor(id)
		if !l.attrReachable.Has(s) {
			continue
		}
		i := sort.Search(len(b.openSites), func(i int) bool { return b.openSites[i].target >= id })
		for ; i < len(b.openSites) && b.openSites[i].target == id; i++ {
			site := &b.openSites[i]
			f(Patch{site.addr, site.size, objabi.RelocType(site.typ), s, site.add})
		}
	}
}

// StaleItabs returns the addresses of the itabs in the base that only hot packages define.
func (b *Base) StaleItabs() []uint64 { return b.staleItabs }
