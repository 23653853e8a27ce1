package loader

import (
	"cmd/internal/goobj"
	"cmd/internal/objabi"
	"cmd/link/internal/sym"
	"sort"
	"strings"
)

// recordID returns the ID of the record of a symbol that is in the base, or lazy; else 0.
func (l *Loader) recordID(s Sym) uint32 {
	if l.base == nil {
		return 0
	}
	return l.base.idOf[s]
}

// InBase reports whether a symbol is in the base.
func (l *Loader) InBase(s Sym) bool {
	id := l.recordID(s)
	return id != 0 && l.base.record(id).has(inBase)
}

// isLazy reports whether a symbol is lazy.
func (l *Loader) isLazy(s Sym) bool {
	id := l.recordID(s)
	return id != 0 && !l.base.record(id).has(inBase)
}

// symFor returns the symbol for a record.
func (l *Loader) symFor(id uint32) Sym {
	b := l.base
	if s, ok := b.symOf[id]; ok {
		return s
	}
	rec := b.record(id)
	name := b.string(rec.name)
	if rec.space <= spaceABIInternal {
		if s, ok := l.symsByName[rec.space][name]; ok { // of a hot package
			b.symOf[id] = s
			return s
		}
	}
	s := l.newExtSym(name, int(rec.space))
	p := l.getPayload(s)
	p.size, p.kind = int64(rec.size), rec.kind
	if rec.space == spaceHash {
		p.name = ""
	}
	b.symOf[id], b.idOf[s] = s, id
	if rec.space <= spaceABIInternal {
		l.symsByName[rec.space][name] = s
	}
	if rec.has(usedInIface) || rec.has(lossless) && rec.has(inBase) {
		l.attrUsedInIface.Set(s)
	}
	if rec.has(inBase) {
		l.values[s] = int64(rec.addr)
		l.attrReachable.Set(s)
		l.attrSpecial.Set(s) // it is not laid out
		if o, ok := b.Offset(rec.addr); ok && !rec.kind.IsText() {
			p.data = b.Image[o : o+uint64(rec.size) : o+uint64(rec.size)]
		}
	}
	return s
}

// lookupBase returns the symbol of a cold package with a name; 0 if there is none.
func (l *Loader) lookupBase(name string, version int) Sym {
	if version < 0 || version > spaceABIInternal {
		return 0
	}
	if id := l.base.find(name, uint8(version)); id != 0 {
		return l.symFor(id)
	}
	return 0
}

// TypeAtPointer returns the type that a pointer at an address of the base points
// to; 0 if it is not known.
func (l *Loader) TypeAtPointer(addr uint64) Sym {
	for i := range l.base.Sites {
		if site := &l.base.Sites[i]; site.Addr == addr && site.Size == 8 { // a type of a hot package
			return l.SiteTarget(site)
		}
	}
	return l.TypeAt(l.base.Uint64At(addr))
}

// TypeAt returns the type descriptor at an address of the base; 0 if none is known.
func (l *Loader) TypeAt(addr uint64) Sym {
	b := l.base
	i := sort.Search(len(b.records), func(i int) bool { return b.records[i].addr >= addr })
	for ; i < len(b.records) && b.records[i].addr == addr; i++ {
		if b.records[i].has(goType) {
			return l.symFor(uint32(i) + 1)
		}
	}
	return 0
}

// sharedWithBase returns the symbol of the base that takes the place of a
// definition in a hot object; 0 if there is none.
func (l *Loader) sharedWithBase(name string, version int, r *oReader, i uint32, osym *goobj.Sym) Sym {
	if l.base == nil || r.cold != nil {
		return 0
	}
	id := l.base.find(name, uint8(version))
	if id == 0 {
		return 0
	}
	rec := l.base.record(id)
	isData := sym.AbiSymKindToSymKind[objabi.SymKind(osym.Type())].IsData()
	switch {
	case osym.Dupok() && rec.has(dupOK):
		if !rec.has(inBase) {
			l.base.replaced = append(l.base.replaced, id)
			return 0
		}
		if osym.Siz() != rec.size && !rec.kind.IsText() || rec.addr%uint64(max(osym.Align(), 1)) != 0 {
			l.base.Fail("%s is not as in the base", name)
		}
		return l.symFor(id)
	case rec.has(hotDefinition) && !rec.has(hasContent):
		return 0 // a cold package only declares it
	case isData && r.DataSize(i) == 0 && osym.Siz() <= rec.size:
		return l.symFor(id) // a hot package only declares it
	}
	l.base.Fail("%s is defined by a cold package, too", name)
	return l.symFor(id)
}

// checkNew fails if a cold package defines a symbol, too, that is defined in a hot package.
func (l *Loader) checkNew(name string, version int) {
	if l.base != nil && l.base.find(name, uint8(version)) != 0 {
		l.base.Fail("%s is defined by a cold package, too", name)
	}
}

// hashedInBase returns the symbol of the base with the content of a
// content-addressable symbol; 0 if there is none.
func (l *Loader) hashedInBase(r *oReader, i, size uint32) Sym {
	if l.base == nil {
		return 0
	}
	id := l.base.find(hashKey(r, i), spaceHash)
	if id == 0 || l.base.record(id).size < size || l.base.record(id).addr%alignOf(r, i) != 0 {
		return 0
	}
	return l.symFor(id)
}

// alignOf returns the alignment that a definition may rely on, see symalign.
func alignOf(r *oReader, i uint32) uint64 {
	osym := r.Sym(i)
	if a := osym.Align(); a != 0 {
		return uint64(a)
	}
	align, name := uint64(32), osym.Name(r.Reader)
	if strings.HasPrefix(name, "go:string.") || strings.HasPrefix(name, "type:.namedata.") {
		return 1 // bytes
	}
	for align > 1 && align > uint64(osym.Siz()) {
		align /= 2
	}
	return align
}

// mayNotLinkname reports whether a package must not refer by linkname to a
// symbol of another package.
func (l *Loader) mayNotLinkname(pkg string, s Sym) bool {
	id := l.recordID(s)
	if id == 0 {
		return false
	}
	rec := l.base.record(id)
	return rec.has(noLinkname) && l.base.string(l.base.pkgOf(rec).path) != objabi.PathToPrefix(pkg)
}

// builtinInBase returns the symbol of a builtin function; 0 if the base has none.
func (l *Loader) builtinInBase(i uint32) Sym {
	if l.base == nil {
		return 0
	}
	name, abi := goobj.BuiltinName(int(i))
	s := l.Lookup(name, abi)
	l.builtinSyms[i] = s
	return s
}

// recordAttr returns the attributes that SymAttr has for a symbol that is in the base, or lazy.
func (l *Loader) recordAttr(s Sym) uint8 {
	if id := l.recordID(s); id != 0 && l.base.record(id).has(goType) {
		return goobj.SymFlagGoType
	}
	return 0
}

// isRecordedItab reports whether a symbol is an itab that is in the base, or lazy.
func (l *Loader) isRecordedItab(s Sym) bool {
	id := l.recordID(s)
	return id != 0 && l.base.record(id).has(itab)
}

// StackInBase returns the stack height of a function of the base.
func (l *Loader) StackInBase(s Sym) (height int, ok bool) {
	id := l.recordID(s)
	if id == 0 {
		return 0, false
	}
	return int(l.base.record(id).stack), true
}

// InlinedFunc returns what an inlining tree tells about a function that is not loaded.
func (l *Loader) InlinedFunc(s Sym) (funcID uint8, line int32, ok bool) {
	id := l.recordID(s)
	if id == 0 || l.base.record(id).line < 0 {
		return 0, 0, false
	}
	rec := l.base.record(id)
	return rec.funcID, rec.line, true
}

// Unknown returns the reachable symbols that neither the base nor the hot packages define.
func (l *Loader) Unknown() (names []string) {
	for s := l.extStart; s < Sym(l.NSym()); s++ {
		if l.attrReachable.Has(s) && l.IsExternal(s) && l.SymType(s) == sym.Sxxx {
			names = append(names, l.SymName(s))
		}
	}
	return names
}
