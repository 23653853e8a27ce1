package loader

import (
	"cmd/internal/goobj"
	"cmd/internal/objabi"
	"cmd/internal/sys"
	"cmd/link/internal/sym"
	"errors"
	"fmt"
	"os"
)

// Prelink is the state of a link that begins before the archives of some
// packages, the hot ones, are known. StartLoad loads all other archives. It
// reserves ranges of symbol indices for the hot objects, at their places in the
// order of loading: the order of indices decides about the content of the
// program. Its result loads the hot objects into these ranges.
type Prelink struct {
	Hot map[string]bool // hot packages, by sym.Library.Pkg

	loading bool        // hot objects are being loaded; false: their indices are being reserved
	hole    objSym      // content of an index that is not used
	moved   map[Sym]Sym // symbols that have got an earlier index
	early   *earlyReach // nil if early reachability is not possible
}

// reserved are the ranges of indices of a hot object, by kind of symbol.
type reserved struct{ next, end [nonPkgRef + 1]Sym }

// GiveUp ends the process. The caller runs the ordinary linker instead.
func GiveUp(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "prelink: "+format+"\n", args...)
	os.Exit(3)
}

func (l *Loader) isHot(r *oReader) bool {
	return l.Prelink != nil && r.unit != nil && l.Prelink.Hot[r.unit.Lib.Pkg]
}

func (l *Loader) hotObjs() (hot []*oReader) {
	for _, r := range l.objs[goObjStart:] {
		if l.isHot(r) {
			hot = append(hot, r)
		}
	}
	return hot
}

// bounds returns the local indices of the symbols of one kind in an object.
func (r *oReader) bounds(kind int) (start, end int) {
	ends := [...]int{pkgDef: r.ndef, hashed64Def: r.nhashed64def, hashedDef: r.nhasheddef, nonPkgDef: r.NNonpkgdef(), nonPkgRef: r.NNonpkgref()}
	for k := range kind {
		start += ends[k]
	}
	return start, start + ends[kind]
}

// reserve reports whether r is a hot object that is not known yet. It reserves
// indices for its symbols of one kind: the object of the last link tells about
// how many the next one has.
func (l *Loader) reserve(r *oReader, kind int) bool {
	if !l.isHot(r) || l.Prelink.loading {
		return false
	}
	if r.reserved == nil {
		r.reserved = new(reserved)
	}
	if l.Prelink.hole == (objSym{}) {
		l.Prelink.hole = objSym{l.extReader.objidx, uint32(l.newPayload("", 0))}
		l.extReader.syms = append(l.extReader.syms, 0)
	}
	start, end := r.bounds(kind)
	r.reserved.next[kind] = Sym(len(l.objSyms))
	for range 2*(end-start) + 256 {
		l.objSyms = append(l.objSyms, l.Prelink.hole)
	}
	r.reserved.end[kind] = Sym(len(l.objSyms))
	if kind == nonPkgRef && l.extStart == 0 {
		l.extStart = r.reserved.next[kind]
	}
	l.growAttrBitmaps(len(l.objSyms))
	return true
}

// nextIndex returns the index that the next symbol of a hot object gets.
func (r *oReader) nextIndex(kind int) Sym {
	i := r.reserved.next[kind]
	if i == r.reserved.end[kind] {
		GiveUp("%s has too many new symbols", r.unit.Lib.Pkg)
	}
	return i
}

// define gives the next index to a symbol that is defined in a hot object.
func (l *Loader) define(r *oReader, kind int, definition objSym) Sym {
	i := r.nextIndex(kind)
	l.objSyms[i] = definition
	r.reserved.next[kind]++
	return i
}

// move gives the symbol old another index, which comes first in the order of
// the ordinary linker.
func (l *Loader) move(old, to Sym) {
	l.Prelink.moved[old] = to
	if l.attrLocal.Has(old) {
		l.attrLocal.Set(to)
	}
	if l.attrUsedInIface.Has(old) {
		l.attrUsedInIface.Set(to)
	}
	if int(old) < len(l.align) && l.align[old] != 0 && l.SymAlign(old) > l.SymAlign(to) {
		l.SetSymAlign(to, l.SymAlign(old))
	}
	l.objSyms[old] = l.Prelink.hole
}

// movedTo returns the index that a symbol has now.
func (l *Loader) movedTo(s Sym) Sym {
	if l.Prelink == nil {
		return s
	}
	for {
		to, ok := l.Prelink.moved[s]
		if !ok {
			return s
		}
		s = to
	}
}

// merge resolves a definition in a hot object against the definition old of the
// same symbol in another object, as addSym does: the larger one wins, and of
// two equal ones the first. It returns the index and the size of the symbol.
func (l *Loader) merge(r *oReader, li uint32, kind int, old Sym, oldSize, size int64) (Sym, int64) {
	mine, theirs := objSym{r.objidx, li}, l.objSyms[old]
	wins := size > oldSize || size == oldSize && mine.objidx < theirs.objidx
	winner := theirs
	if wins {
		winner = mine
		if kind == nonPkgDef {
			l.Prelink.early.redefined(old, theirs, mine)
		}
	}
	i := r.nextIndex(kind)
	if old < i {
		l.objSyms[old] = winner
		return old, max(size, oldSize)
	}
	l.move(old, i)
	return l.define(r, kind, winner), max(size, oldSize)
}

// addHotSym is addSym for a hot object.
func (st *loadState) addHotSym(name string, ver int, r *oReader, li uint32, kind int, osym *goobj.Sym) Sym {
	l, size := st.l, osym.Siz()
	own := objSym{r.objidx, li}
	switch kind {
	case hashed64Def:
		hash := r.Hash64(li - uint32(r.ndef))
		if s, ok := st.hashed64Syms[hash]; ok {
			i, n := l.merge(r, li, kind, s.sym, int64(s.size), int64(size))
			st.hashed64Syms[hash] = symAndSize{i, uint32(n)}
			return i
		}
		i := l.define(r, kind, own)
		st.hashed64Syms[hash] = symAndSize{i, size}
		return i
	case hashedDef:
		hash := *r.Hash(li - uint32(r.ndef+r.nhashed64def))
		if s, ok := st.hashedSyms[hash]; ok {
			i, n := l.merge(r, li, kind, s.sym, int64(s.size), int64(size))
			st.hashedSyms[hash] = symAndSize{i, uint32(n)}
			return i
		}
		i := l.define(r, kind, own)
		st.hashedSyms[hash] = symAndSize{i, size}
		return i
	}
	if name == "" || ver == r.version { // can't be referenced by name
		return l.define(r, kind, own)
	}
	old, exists := l.symsByName[ver][name]
	switch {
	case !exists:
	case l.IsExternal(old): // only referenced so far
		l.move(old, r.nextIndex(kind))
	case kind == nonPkgDef && osym.Dupok() && l.SymAttr(old)&goobj.SymFlagDupok != 0:
		i, _ := l.merge(r, li, kind, old, l.SymSize(old), int64(size))
		l.symsByName[ver][name] = i
		return i
	default:
		GiveUp("%s is defined twice", name)
	}
	i := l.define(r, kind, own)
	l.symsByName[ver][name] = i
	return i
}

// refSym is LookupOrCreateSym for a reference in an object.
func (l *Loader) refSym(r *oReader, name string, ver int) Sym {
	if r.reserved == nil {
		return l.LookupOrCreateSym(name, ver)
	}
	old := l.Lookup(name, ver)
	if old != 0 && (old < r.nextIndex(nonPkgRef) || !l.IsExternal(old)) {
		return old
	}
	var i Sym
	if old == 0 {
		payload := uint32(l.newPayload(name, ver))
		i = l.define(r, nonPkgRef, objSym{l.extReader.objidx, payload})
		l.extReader.syms = append(l.extReader.syms, i)
	} else {
		external := l.objSyms[old]
		l.move(old, r.nextIndex(nonPkgRef))
		i = l.define(r, nonPkgRef, external)
		l.extReader.syms[external.s] = i
	}
	if ver >= sym.SymVerStatic || ver < 0 {
		l.extStaticSyms[nameVer{name, ver}] = i
	} else {
		l.symsByName[ver][name] = i
	}
	return i
}

// deferRefFlags reports whether r has references to hot objects by index, which
// can't be resolved yet.
func (l *Loader) deferRefFlags(r *oReader) bool {
	if l.Prelink == nil || l.Prelink.loading {
		return false
	}
	for _, objidx := range r.pkg[min(1, len(r.pkg)):] {
		r.refersToHot = r.refersToHot || l.isHot(l.objs[objidx])
	}
	return r.refersToHot
}

// loadHot loads the hot objects.
func (st *loadState) loadHot(arch *sys.Arch) {
	l := st.l
	if l.Prelink == nil {
		return
	}
	l.Prelink.loading, l.Prelink.moved = true, map[Sym]Sym{}
	hot := l.hotObjs()
	for _, r := range hot {
		st.preloadSyms(r, pkgDef)
	}
	for _, r := range hot {
		st.preloadSyms(r, hashed64Def)
		st.preloadSyms(r, hashedDef)
		st.preloadSyms(r, nonPkgDef)
	}
	for _, r := range hot {
		loadObjRefs(l, r, arch)
	}
	st.replaceMoved()
	for _, r := range l.objs[goObjStart:] {
		if r.refersToHot || r.reserved != nil {
			l.loadRefFlags(r)
		}
	}
}

// replaceMoved replaces the symbols that have got another index wherever an index is stored.
func (st *loadState) replaceMoved() {
	l := st.l
	if len(l.Prelink.moved) == 0 {
		return
	}
	moved := MakeBitmap(len(l.objSyms))
	for old := range l.Prelink.moved {
		moved.Set(old)
	}
	replace := func(s *Sym) {
		if moved.Has(*s) {
			*s = l.movedTo(*s)
		}
	}
	for _, r := range l.objs[goObjStart:] {
		for i := range r.syms {
			replace(&r.syms[i])
		}
	}
	for i := range l.builtinSyms {
		replace(&l.builtinSyms[i])
	}
	for i := range st.linknameVarRefs {
		replace(&st.linknameVarRefs[i].sym)
	}
	for i := range l.WasmExports {
		replace(&l.WasmExports[i])
	}
}

// NumObjs returns the number of objects; see ReplaceObjs.
func (l *Loader) NumObjs() int { return len(l.objs) }

// ReplaceObjs puts the objects after the first n, which were loaded for a hot
// library again, into the places of those that the library had.
func (l *Loader) ReplaceObjs(lib *sym.Library, n int) {
	fresh := l.objs[n:]
	l.objs = l.objs[:n]
	for i, r := range l.objs[goObjStart:] {
		if r.unit.Lib != lib {
			continue
		}
		if len(fresh) == 0 {
			GiveUp("%s has fewer objects", lib.Pkg)
		}
		f := fresh[0]
		fresh = fresh[1:]
		f.objidx, f.version, f.reserved = r.objidx, r.version, r.reserved
		f.unit.Lib = lib
		l.objs[goObjStart+i] = f
	}
	if len(fresh) > 0 {
		GiveUp("%s has more objects", lib.Pkg)
	}
}

// EachImport calls f for each import of each object.
func (l *Loader) EachImport(f func(importer *sym.Library, imported goobj.ImportedPkg)) {
	for _, r := range l.objs[goObjStart:] {
		for _, imported := range r.Autolib() {
			f(r.unit.Lib, imported)
		}
	}
}

// hasUndefined reports whether a host object has left a reference undefined. If
// not, no relocation refers to one.
func (l *Loader) hasUndefined() bool {
	for _, p := range l.payloads {
		if p.kind == sym.SXREF && p.name != ".got" {
			return true
		}
	}
	return false
}

// earlyReach is the reachability of symbols, as deadcode computes it, before
// the hot objects are known. It begins with the symbols of other objects that
// the old hot objects refer to. Reachability only grows with more symbols to
// begin with, so it is a part of the final one if the new hot objects refer to
// these symbols, too. Symbols whose content may depend on the hot objects are
// left out until then.
type earlyReach struct {
	l                *Loader
	reach, usedIface Bitmap
	seeds            map[Sym]bool
	shared           map[Sym]bool // named symbols that the old hot objects define, too
	changes          [][2]objSym  // reachable symbols whose definition was replaced
}

// StartReach makes the attributes of reachability empty, and returns the
// symbols to begin with. The caller deletes those that are reachable anyway. End
// restores the attributes; if ok is set, ResumeReach can use the result.
func (l *Loader) StartReach() (seeds map[Sym]bool, end func(ok bool)) {
	e := &earlyReach{l: l, seeds: l.refsOfHot(false), shared: map[Sym]bool{}}
	for _, r := range l.hotObjs() {
		start, end := r.bounds(nonPkgDef)
		for li := uint32(start); li < uint32(end); li++ {
			if s := l.lookupLocal(r, li); s != 0 {
				e.shared[s] = true
			}
		}
	}
	reach, usedIface := l.attrReachable, l.attrUsedInIface
	l.attrReachable, l.attrUsedInIface = MakeBitmap(reach.Len()), append(Bitmap(nil), usedIface...)
	l.Prelink.early = e
	l.growAttrBitmaps(l.NSym() + 1)
	return e.seeds, func(ok bool) {
		e.reach, e.usedIface = l.attrReachable, l.attrUsedInIface
		l.attrReachable, l.attrUsedInIface = reach, usedIface
		l.growAttrBitmaps(l.NSym() + 1)
		if !ok {
			l.Prelink.early = nil
		}
	}
}

// IsLate reports whether the content of a symbol may depend on a hot object.
func (l *Loader) IsLate(s Sym) bool {
	return l.objs[l.objSyms[s].objidx].refersToHot || l.Prelink.early.shared[s]
}

// lookupLocal returns the symbol that has the name of a symbol of r; 0 if there
// is none, or if the name is only known inside of r.
func (l *Loader) lookupLocal(r *oReader, li uint32) Sym {
	osym := r.Sym(li)
	name, ver := osym.Name(r.Reader), abiToVer(osym.ABI(), r.version)
	if name == "" || ver == r.version {
		return 0
	}
	return l.Lookup(name, ver)
}

func (e *earlyReach) redefined(s Sym, from, to objSym) {
	if e != nil && e.reach.Has(s) && !e.shared[s] {
		e.changes = append(e.changes, [2]objSym{from, to})
	}
}

// refsOfHot returns symbols outside of the hot objects that are certainly
// reachable: main.main and the init functions of the hot objects lead to them.
// loaded is whether the symbols of the hot objects are.
func (l *Loader) refsOfHot(loaded bool) map[Sym]bool {
	type local struct {
		r  *oReader
		li uint32
	}
	refs, seen, queue := map[Sym]bool{}, map[local]bool{}, []local{}
	visit := func(r *oReader, li uint32) {
		if at := (local{r, li}); !seen[at] {
			seen[at] = true
			queue = append(queue, at)
		}
	}
	visitDefinition := func(s Sym) {
		refs[s] = true
		if o := l.objSyms[s]; loaded && l.isHot(l.objs[o.objidx]) {
			visit(l.objs[o.objidx], o.s)
		}
	}
	// visitLocal visits a symbol by its local index. Its definition may be in
	// another object.
	visitLocal := func(r *oReader, li uint32) {
		firstNonPkg, firstRef := r.bounds(nonPkgDef)
		switch {
		case int(li) >= firstRef:
			if s := l.lookupLocal(r, li); s != 0 {
				visitDefinition(s)
			}
			return
		case int(li) < firstNonPkg:
			// All definitions of a hashed symbol refer to the same symbols.
		case loaded:
			if s := r.syms[li]; l.objSyms[s] != (objSym{r.objidx, li}) {
				visitDefinition(s)
				return
			}
		default:
			if s := l.lookupLocal(r, li); s != 0 && s < r.reserved.next[nonPkgDef] {
				refs[s] = true
				return
			}
		}
		visit(r, li)
	}
	visitRef := func(r *oReader, s goobj.SymRef) {
		start := func(kind int) uint32 { start, _ := r.bounds(kind); return uint32(start) }
		switch s.PkgIdx {
		case goobj.PkgIdxInvalid:
		case goobj.PkgIdxHashed64:
			visitLocal(r, s.SymIdx+start(hashed64Def))
		case goobj.PkgIdxHashed:
			visitLocal(r, s.SymIdx+start(hashedDef))
		case goobj.PkgIdxNone:
			visitLocal(r, s.SymIdx+start(nonPkgDef))
		case goobj.PkgIdxBuiltin:
			refs[l.builtinSyms[s.SymIdx]] = true
		case goobj.PkgIdxSelf:
			visit(r, s.SymIdx)
		default:
			if other := l.objs[l.objByPkg[r.Pkg(int(s.PkgIdx))]]; l.isHot(other) {
				visit(other, s.SymIdx)
			} else {
				refs[other.syms[s.SymIdx]] = true
			}
		}
	}
	for _, r := range l.hotObjs() {
		for li := range uint32(r.ndef) {
			if name := r.Sym(li).Name(r.Reader); name == "main.main" || name == r.pkgprefix+".inittask" {
				visit(r, li)
			}
		}
	}
	for len(queue) > 0 {
		at := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		relocs := at.r.Relocs(at.li)
		for i := range relocs {
			switch t := objabi.RelocType(relocs[i].Type()); {
			case t&objabi.R_WEAK != 0:
			case t == objabi.R_METHODOFF, t == objabi.R_USETYPE, t == objabi.R_USEIFACE, t == objabi.R_USEIFACEMETHOD, t == objabi.R_USENAMEDMETHOD, t == objabi.R_INITORDER:
			default:
				visitRef(at.r, relocs[i].Sym())
			}
		}
		auxs := at.r.Auxs(at.li)
		for i := range auxs {
			if auxs[i].Type() != goobj.AuxGotype {
				visitRef(at.r, auxs[i].Sym())
			}
		}
	}
	delete(refs, 0)
	return refs
}

// ResumeReach makes the early reachability the current one, if that is a part
// of the final one. It returns the symbols that must be visited (again): those
// that were left out, and those that are used in an interface only now.
// An error tells why it is not. scheduled are the init tasks that the program runs; inits those that the early
// reachability began with.
func (l *Loader) ResumeReach(scheduled, inits map[Sym]bool) (visit []Sym, err error) {
	e := l.Prelink.early
	if e == nil {
		return nil, errors.New("nothing is known")
	}
	refs := l.refsOfHot(true)
	for s := range e.seeds {
		if !refs[l.movedTo(s)] {
			return nil, fmt.Errorf("no reference to %s", l.SymName(l.movedTo(s)))
		}
	}
	for s := range inits {
		if !scheduled[l.movedTo(s)] {
			return nil, fmt.Errorf("%s does not run", l.SymName(l.movedTo(s)))
		}
	}
	for _, change := range e.changes {
		if r := l.objs[change[1].objidx]; !l.sameRelocs(change[0], change[1]) {
			return nil, fmt.Errorf("another definition of %s", r.Sym(change[1].s).Name(r.Reader))
		}
	}
	n := l.NSym() + 1
	reach, usedIface := growBitmap(n, e.reach), growBitmap(n, e.usedIface)
	for old, to := range l.Prelink.moved {
		to = l.movedTo(to)
		if reach.Has(old) {
			reach.Unset(old)
			reach.Set(to)
		}
		if usedIface.Has(old) {
			usedIface.Set(to)
		}
	}
	l.growAttrBitmaps(max(n, reach.Len(), usedIface.Len()))
	before := append(Bitmap(nil), l.attrReachable...)
	var again []Sym
	for i, early := range usedIface {
		if newly := l.attrUsedInIface[i] &^ early & reach[i]; newly != 0 {
			for bit := range Sym(32) {
				if newly&(1<<bit) != 0 {
					again = append(again, Sym(i)*32+bit)
				}
			}
		}
		l.attrUsedInIface[i] |= early
	}
	for i := range reach {
		l.attrReachable[i] |= reach[i]
	}
	again = append(again, l.extReader.syms...)
	for s := range e.shared {
		again = append(again, l.movedTo(s))
	}
	for _, r := range l.objs[goObjStart:] {
		if r.reserved != nil || r.refersToHot {
			again = append(again, r.syms[:r.NAlldef()]...)
		}
	}
	for _, s := range again {
		if s != 0 && l.attrReachable.Has(s) && !before.Has(s) {
			l.attrReachable.Unset(s)
			visit = append(visit, s)
		}
	}
	return visit, nil
}

// sameRelocs reports whether two definitions of a symbol refer to the same symbols.
func (l *Loader) sameRelocs(x, y objSym) bool {
	rx, ry := l.objs[x.objidx], l.objs[y.objidx]
	a, b := l.relocs(rx, x.s), l.relocs(ry, y.s)
	same := a.Count() == b.Count() && rx.NAux(x.s) == 0 && ry.NAux(y.s) == 0
	for i := 0; same && i < a.Count(); i++ {
		p, q := a.At(i), b.At(i)
		same = p.Type() == q.Type() && p.Weak() == q.Weak() && p.Add() == q.Add() && p.Off() == q.Off() && p.Sym() == q.Sym()
	}
	return same
}

// MovedTo returns the index that a symbol has after the hot objects are loaded.
func (l *Loader) MovedTo(s Sym) Sym { return l.movedTo(s) }
