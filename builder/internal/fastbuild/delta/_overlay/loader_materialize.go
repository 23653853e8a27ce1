package loader

import (
	"cmd/internal/goobj"
)

// coldObject is what an oReader of a cold object has in addition.
type coldObject struct {
	object uint32 // index in the snapshot
	refs   bool   // the flags of references are loaded
}

// coldPackage returns the index of the first object of a cold package, which
// need not be loaded.
func (l *Loader) coldPackage(path string) (objidx uint32, ok bool) {
	if l.base == nil {
		return 0, false
	}
	i, ok := l.base.packageAt[path]
	if !ok || l.base.packages[i].objects == 0 {
		return 0, false
	}
	return l.coldReader(l.base.packages[i].object).objidx, true
}

// coldReader returns the reader of a cold object. Its goobj.Reader is nil until the package is open.
func (l *Loader) coldReader(object uint32) *oReader {
	b := l.base
	if i, ok := b.objidx[object]; ok {
		return l.objs[i]
	}
	o := b.objects[object]
	r := &oReader{objidx: uint32(len(l.objs)), cold: &coldObject{object: object}, syms: make([]Sym, o.definitions)}
	r.ndef = int(o.hashed[0])
	l.objs = append(l.objs, r)
	b.objidx[object] = r.objidx
	if p := b.packages[o.pkg]; p.object == object {
		l.objByPkg[b.string(p.path)] = r.objidx
	}
	return r
}

// coldSym returns a symbol by its index in a cold object.
func (l *Loader) coldSym(r *oReader, i uint32) Sym {
	if s := r.syms[i]; s != 0 {
		return s
	}
	o := l.base.objects[r.cold.object]
	if i < o.definitions {
		if id := l.base.definitions[o.definition+i]; id != 0 {
			r.syms[i] = l.symFor(id)
			return r.syms[i]
		}
		l.openPackage(o.pkg)
		r.syms[i] = l.define(r, i)
		return r.syms[i]
	}
	osym := r.Sym(i)
	s := l.LookupOrCreateSym(osym.Name(r.Reader), abiToVer(osym.ABI(), r.version))
	if osym.UsedInIface() {
		l.SetAttrUsedInIface(s, true)
	}
	r.syms[i] = s
	return s
}

// define returns a new symbol for a definition in a cold object.
func (l *Loader) define(r *oReader, i uint32) Sym {
	osym := r.Sym(i)
	var s Sym
	if r.isHashed(i) {
		kind := hashed64Def
		if int(i) >= r.ndef+r.nhashed64def {
			kind = hashedDef
		}
		s = l.base.state.addSym("", 0, r, i, kind, osym)
	} else {
		s = Sym(len(l.objSyms))
		l.objSyms = append(l.objSyms, objSym{r.objidx, i})
	}
	l.growSyms()
	l.setAttrs(s, osym)
	return s
}

// growSyms makes room for the attributes of all symbols.
func (l *Loader) growSyms() {
	l.growValues(l.NSym())
	l.growOuter(l.NSym())
	l.growAttrBitmaps(l.NSym() + 1)
}

// setAttrs sets the attributes that a definition gives to a symbol, as preloadSyms does.
func (l *Loader) setAttrs(s Sym, osym *goobj.Sym) {
	if osym.Local() {
		l.SetAttrLocal(s, true)
	}
	if osym.UsedInIface() {
		l.SetAttrUsedInIface(s, true)
	}
	if a := int32(osym.Align()); a != 0 && a > l.SymAlign(s) {
		l.SetSymAlign(s, a)
	}
}

// openPackage loads the objects of a cold package.
func (l *Loader) openPackage(pkg uint32) {
	b, p := l.base, l.base.packages[pkg]
	if l.coldReader(p.object).Reader != nil {
		return
	}
	start := len(l.objs)
	b.Open(b.string(p.path), b.string(p.file))
	fresh := l.objs[start:]
	l.objs = l.objs[:start]
	if len(fresh) != int(p.objects) {
		GiveUp("%s has other objects than in the base", b.string(p.path))
	}
	for i, f := range append([]*oReader(nil), fresh...) {
		r := l.coldReader(p.object + uint32(i))
		if f.NAlldef() != int(b.objects[r.cold.object].definitions) || f.Fingerprint() != p.fingerprint && !f.Fingerprint().IsZero() {
			GiveUp("%s is not as in the base", b.string(p.path))
		}
		copy(f.syms, r.syms)
		f.objidx, f.cold = r.objidx, r.cold
		*r = *f
		l.loadColdRefs(r)
	}
}

// loadColdRefs is loadObjRefs for a cold object. Symbols are looked up later.
func (l *Loader) loadColdRefs(r *oReader) {
	r.pkg = make([]uint32, r.NPkg())
	for i := 1; i < len(r.pkg); i++ { // 0 is a dummy
		objidx, ok := l.objByPkg[r.Pkg(i)]
		if !ok {
			objidx, ok = l.coldPackage(r.Pkg(i))
		}
		if !ok {
			GiveUp("%s is not in the program", r.Pkg(i))
		}
		r.pkg[i] = objidx
	}
	for i := range r.NRefFlags() {
		flags := r.RefFlags(i)
		if flags.Flag2()&goobj.SymFlagUsedInIface == 0 {
			continue
		}
		if ref := flags.Sym(); ref.PkgIdx < goobj.PkgIdxSpecial && l.objs[r.pkg[ref.PkgIdx]].cold == nil {
			l.SetAttrUsedInIface(l.resolve(r, ref), true) // those of cold packages have their flags in the base
		}
	}
}

// Materialize makes a lazy symbol the symbol of its object. Other symbols stay as they are.
func (l *Loader) Materialize(s Sym) Sym {
	if !l.isLazy(s) {
		return s
	}
	b, id := l.base, l.base.idOf[s]
	rec := b.record(id)
	l.openPackage(b.objects[rec.object].pkg)
	r := l.coldReader(rec.object)
	l.objSyms[s] = objSym{r.objidx, rec.local}
	r.syms[rec.local] = s
	delete(b.idOf, s)
	b.made = append(b.made, id)
	l.setAttrs(s, r.Sym(rec.local))
	if cannotMove(rec.kind) {
		b.Fail("%s is needed, and is in a part of the base that can't change", l.SymName(s))
	}
	return s
}

// Visit prepares a symbol that the delta has just reached: it makes all symbols
// known that the later parts of the link ask for.
func (l *Loader) Visit(s Sym) {
	l.Materialize(s)
	if l.InBase(s) {
		l.addRelocs(s)
	}
	relocs := l.Relocs(s)
	for i := range relocs.Count() {
		relocs.At(i).Sym()
	}
	_, auxs := l.auxs(s)
	for i := range auxs {
		if a := l.Aux(s, i); a.Type() == goobj.AuxGotype {
			l.knowType(a.Sym())
		} else {
			a.Sym()
		}
	}
	if f := l.FuncInfo(s); f.Valid() {
		f.Preload()
		for i := range f.NumInlTree() {
			f.InlTree(int(i))
		}
	}
}

// addRelocs gives a type of the base the relocations of its definition: it is
// visited again, since the delta needs more of it.
func (l *Loader) addRelocs(s Sym) {
	b := l.base
	rec := b.record(b.idOf[s])
	if !rec.has(goType) {
		GiveUp("%s is visited, but is not a type", l.SymName(s))
	}
	if b.visited[s] {
		return
	}
	b.visited[s] = true
	l.openPackage(b.objects[rec.object].pkg)
	relocs := l.relocs(l.coldReader(rec.object), rec.local)
	p := l.getPayload(s)
	p.relocs = make([]goobj.Reloc, relocs.Count())
	for i := range p.relocs {
		r := relocs.At(i)
		p.relocs[i].Set(r.Off(), r.Siz(), r.Reloc.Type(), r.Add(), goobj.SymRef{SymIdx: uint32(r.Sym())})
	}
}

// knowType makes the type of a variable known, with the types that it consists
// of: a mask of its pointers is made of them.
func (l *Loader) knowType(s Sym) {
	if s == 0 || l.InBase(s) || !l.IsGoType(s) {
		return
	}
	l.Materialize(s)
	content := l.Data(s)
	relocs := l.Relocs(s)
	const kind = 23 // offset of abi.Type.Kind_
	consists := content[kind]&31 == 25 || content[kind]&31 == 17
	for i := range relocs.Count() {
		r := relocs.At(i)
		if r.Siz() != 8 || r.Sym() == 0 || r.Sym() == s {
			continue
		}
		if !l.IsGoType(r.Sym()) {
			l.Materialize(r.Sym()) // a mask
		} else if consists {
			l.knowType(r.Sym())
		}
	}
}
