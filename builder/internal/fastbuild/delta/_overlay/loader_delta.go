package loader

import (
	"cmd/internal/goobj"
	"cmd/internal/objabi"
	"cmd/link/internal/sym"
	"encoding/binary"
	"fmt"
	"os"
	"sort"
	"strings"
)

// Base is the base of a delta link: the program, and its snapshot. In a delta
// link only the hot packages are loaded. A symbol of a cold package is one of
//
//   - in the base: an external symbol with the address that it has there;
//   - lazy: an external symbol without content. The base lacks it. When the delta
//     needs it, it is materialized: it becomes the symbol of its object.
type Base struct {
	snapshot
	Hot   map[string]bool // hot packages, by sym.Library.Pkg
	Image []byte          // the program
	// Open loads the objects of a package.
	Open func(path, file string)

	segments []segment
	reasons  []string       // why the delta can't be linked
	symOf    map[uint32]Sym // by record ID
	idOf     map[Sym]uint32 // record IDs of the symbols that are in the base, or lazy
	visited  map[Sym]bool   // types in the base that have got their relocations
	made     []uint32       // IDs of the records whose symbols were materialized
	replaced []uint32       // IDs of the records whose symbols hot packages define, too
	objidx   map[uint32]uint32
	state    *loadState
}

// segment is a part of the program's file.
type segment struct{ addr, offset, size uint64 }

// coldObject is what an oReader of a cold object has in addition.
type coldObject struct {
	object uint32 // index in the snapshot
	refs   bool   // the flags of references are loaded
}

// OpenBase opens a base.
func OpenBase(program, snapshotFile string) (*Base, error) {
	s, err := readSnapshot(snapshotFile)
	if err != nil {
		return nil, err
	}
	image, err := mapFile(program)
	if err != nil {
		return nil, err
	}
	b := &Base{
		snapshot: *s, Image: image,
		symOf: map[uint32]Sym{}, idOf: map[Sym]uint32{}, visited: map[Sym]bool{}, objidx: map[uint32]uint32{},
	}
	EachSegment(image, func(header []byte) {
		b.segments = append(b.segments, segment{
			addr:   binary.LittleEndian.Uint64(header[16:]),
			offset: binary.LittleEndian.Uint64(header[8:]),
			size:   binary.LittleEndian.Uint64(header[32:]),
		})
	})
	return b, nil
}

// EachSegment calls f for each program header of type PT_LOAD of a 64-bit ELF file.
func EachSegment(elf []byte, f func(header []byte)) {
	const size = 56 // of a program header
	start, n := binary.LittleEndian.Uint64(elf[32:]), uint64(binary.LittleEndian.Uint16(elf[56:]))
	for i := range n {
		header := elf[start+i*size:][:size]
		if binary.LittleEndian.Uint32(header) == 1 {
			f(header)
		}
	}
}

// Offset returns where in the file an address of the base is.
func (b *Base) Offset(addr uint64) (offset uint64, ok bool) {
	for _, s := range b.segments {
		if addr >= s.addr && addr < s.addr+s.size {
			return addr - s.addr + s.offset, true
		}
	}
	return 0, false
}

// At returns the memory of the base from an address on.
func (b *Base) At(addr uint64) []byte {
	offset, ok := b.Offset(addr)
	if !ok {
		GiveUp("%#x is not in the file of the base", addr)
	}
	return b.Image[offset:]
}

// Uint64At returns a value in the base.
func (b *Base) Uint64At(addr uint64) uint64 { return binary.LittleEndian.Uint64(b.At(addr)) }

// Fail notes why the delta can't be linked.
func (b *Base) Fail(format string, args ...any) {
	b.reasons = append(b.reasons, fmt.Sprintf(format, args...))
}

// Check ends the process if the delta can't be linked.
func (b *Base) Check() {
	if len(b.reasons) > 0 {
		GiveUp("%s", b.reasons[0])
	}
}

// CheckImport reports whether a package is cold. It gives up if the exports of the
// package are not those that its importer was compiled with.
func (b *Base) CheckImport(path string, fingerprint goobj.FingerprintType) bool {
	if b.Hot[path] {
		return false
	}
	p := b.pkg(path)
	if p == nil || p.hot != 0 {
		GiveUp("%s is not a cold package of the base", path)
	}
	if !fingerprint.IsZero() && fingerprint != p.fingerprint {
		GiveUp("the exports of %s are not those of the base", path)
	}
	return true
}

// CheckExports fails if the exports of a hot package have changed, and a cold
// package imports it.
func (b *Base) CheckExports(path string, fingerprint goobj.FingerprintType) {
	p := b.pkg(path)
	if p == nil || p.hot == 0 {
		b.Fail("%s is not a hot package of the base", path)
	} else if p.coldImport != 0 && fingerprint != p.fingerprint {
		b.Fail("the exports of %s have changed", path)
	}
}

// SetBase makes the link a delta link.
func (l *Loader) SetBase(b *Base) { l.base = b }

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

// cannotMove reports whether symbols of a kind must be where the base has those
// of this kind: their place in the program has a meaning.
func cannotMove(kind sym.SymKind) bool {
	switch kind {
	case sym.STEXTFIPS, sym.SRODATAFIPS, sym.SNOPTRDATAFIPS, sym.SDATAFIPS, sym.STLSBSS, sym.SCOVERAGE_COUNTER, sym.SCOVERAGE_AUXVAR, sym.SMODULEDATA:
		return true
	}
	return false
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

// Unknown returns the reachable symbols that neither the base nor the hot packages define.
func (l *Loader) Unknown() (names []string) {
	for s := l.extStart; s < Sym(l.NSym()); s++ {
		if l.attrReachable.Has(s) && l.IsExternal(s) && l.SymType(s) == sym.Sxxx {
			names = append(names, l.SymName(s))
		}
	}
	return names
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

// saveState keeps the state of LoadSyms: packages are opened later.
func (l *Loader) saveState(state *loadState) {
	if l.base != nil {
		l.base.state = state
	}
}

// stdVariable is set by tests: packages of the standard library, which nobody edits, may be hot.
const stdVariable = "HOTSTART_DELTA_STD"

// CheckHotObjects calls f for each hot package that has an object which can't be part of a delta.
func (l *Loader) CheckHotObjects(hot map[string]bool, f func(pkg, why string)) {
	for _, r := range l.objs[goObjStart:] {
		if r.Reader == nil || !hot[r.unit.Lib.Pkg] {
			continue
		}
		pkg := r.unit.Lib.Pkg
		if r.FromAssembly() && r.NAlldef() > 0 { // an empty file only allows functions without a body
			f(pkg, "has assembly")
		}
		if r.Std() && os.Getenv(stdVariable) == "" {
			f(pkg, "is a package of the standard library")
		}
		for i := range uint32(r.NAlldef()) {
			if cannotMove(sym.AbiSymKindToSymKind[objabi.SymKind(r.Sym(i).Type())]) {
				f(pkg, "has "+r.Sym(i).Name(r.Reader))
			}
		}
	}
}
