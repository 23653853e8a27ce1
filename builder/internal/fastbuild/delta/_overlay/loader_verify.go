package loader

import "cmd/internal/goobj"

// ContentReferredTo returns the size and the alignment of the content that relocation i of a symbol
// refers to, by the object of the symbol. The loader has one symbol for all equal content, with the
// largest size and alignment. ok is false if the content has a name.
func (l *Loader) ContentReferredTo(s Sym, i int) (size, align uint64, ok bool) {
	if l.IsExternal(s) {
		return 0, 0, false
	}
	r, li := l.toLocal(s)
	relocs := r.Relocs(li)
	if i >= len(relocs) {
		return 0, 0, false
	}
	ref := relocs[i].Sym()
	switch ref.PkgIdx {
	case goobj.PkgIdxHashed64:
		li = ref.SymIdx + uint32(r.ndef)
	case goobj.PkgIdxHashed:
		li = ref.SymIdx + uint32(r.ndef+r.nhashed64def)
	default:
		return 0, 0, false
	}
	osym := r.Sym(li)
	return uint64(osym.Siz()), uint64(osym.Align()), true
}

// Definitions are all definitions of the symbols that several objects may define.
type Definitions map[Sym][]objSym

func (l *Loader) Definitions() Definitions {
	d := Definitions{}
	for _, r := range l.objs[goObjStart:] {
		for i := r.ndef + r.nhashed64def + r.nhasheddef; i < r.NAlldef(); i++ {
			if r.Sym(uint32(i)).Dupok() && r.syms[i] != 0 {
				d[r.syms[i]] = append(d[r.syms[i]], objSym{r.objidx, uint32(i)})
			}
		}
	}
	return d
}

// Each calls f while each of the definitions of a symbol is the one that the loader uses, until f
// returns true. It reports whether that was so.
func (d Definitions) Each(l *Loader, s Sym, f func() bool) bool {
	if l.IsExternal(s) {
		return false
	}
	used := l.objSyms[s]
	defer func() { l.objSyms[s] = used }()
	for _, l.objSyms[s] = range d[s] {
		if f() {
			return true
		}
	}
	return false
}
