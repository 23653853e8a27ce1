package loader

import (
	"cmd/internal/objabi"
	"cmd/link/internal/sym"
	"cmp"
	"fmt"
	"math"
	"slices"
)

// BaseLink is what the linker knows at the end of the link of a base, besides
// what the Loader knows.
type BaseLink struct {
	Hot         map[string]bool // hot packages, by sym.Library.Pkg
	Packages    []BasePackage
	Tasks       []BaseTask
	Ifaces      []Method
	Generics    []string
	Pruned      []PrunedMethod
	PrunedInits []PrunedInit
	Stack       map[Sym]int16 // stack heights of functions, see doStackCheck

	CallsMethodsByReflection bool
}

// BasePackage is a package of a base.
type BasePackage struct {
	Path, File  string
	Fingerprint [8]byte
	ColdImport  bool // a cold package imports it
}

// BaseTask is the init task of a package, with those that it depends on.
type BaseTask struct {
	Sym  Sym
	Deps []Sym
	Hot  bool
}

// Method is a method with a type.
type Method struct {
	Name string
	Type Sym
}

// PrunedMethod is a method of a type that was found to be unreachable.
type PrunedMethod struct {
	Method
	Of       Sym
	Exported bool
}

// PrunedInit is the call of a map initializer that was found to be unreachable.
type PrunedInit struct {
	Caller Sym
	Reloc  int
	Target Sym
}

// coldFirst returns the objects in the order in which they define symbols. In a
// base, what both hot and cold objects define is that of the cold ones.
func (l *Loader) coldFirst() []*oReader {
	objs := slices.Clone(l.objs[goObjStart:])
	if l.hot != nil {
		slices.SortStableFunc(objs, func(a, b *oReader) int {
			rank := func(r *oReader) int {
				if l.hot[r.unit.Lib.Pkg] {
					return 1
				}
				return 0
			}
			return rank(a) - rank(b)
		})
	}
	return objs
}

// SetHot makes the link that of a base.
func (l *Loader) SetHot(hot map[string]bool) { l.hot = hot }

// snapshotMaker makes the snapshot of a base.
type snapshotMaker struct {
	snapshot
	l        *Loader
	b        *BaseLink
	recordOf []uint32 // IDs of the records, by symbol; 0 if there is none
	hotOwned Bitmap   // symbols that hot objects define
	names    map[Sym]stringRef
	funcdata map[Sym]bool // whose sites are known
}

// WriteSnapshot writes a snapshot of a finished link into a file. It fails if a
// delta can't be linked to this program.
func (l *Loader) WriteSnapshot(b *BaseLink, file string) error {
	m := &snapshotMaker{l: l, b: b, recordOf: make([]uint32, l.NSym()+1), hotOwned: MakeBitmap(l.NSym() + 1), names: map[Sym]stringRef{}, funcdata: map[Sym]bool{}}
	m.SnapshotHeader = &SnapshotHeader{}
	if err := m.addHeader(); err != nil {
		return err
	}
	m.addDefinitions()
	m.markLossless()
	m.sortRecords()
	m.makeIndex()
	if err := m.addSites(); err != nil {
		return err
	}
	m.addTasks()
	m.addMethods()
	if len(m.text) > math.MaxUint32 {
		return fmt.Errorf("the program is too large for a snapshot")
	}
	return m.write(file)
}

func (m *snapshotMaker) addHeader() error {
	h := m.SnapshotHeader
	for name, to := range map[string]*uint64{
		"runtime.text": &h.Text, "runtime.types": &h.Types, "runtime.etypes": &h.EndOfTypes, "runtime.rodata": &h.Rodata,
		"runtime.end": &h.End, "runtime.firstmoduledata": &h.ModuleData, "runtime.lastmoduledatap": &h.LastModule,
	} {
		s := m.l.symsByName[0][name]
		if s == 0 {
			return fmt.Errorf("the program has no %s", name)
		}
		*to = uint64(m.l.SymValue(s))
	}
	h.ModuleDataSize = uint64(m.l.SymSize(m.l.symsByName[0]["runtime.firstmoduledata"]))
	if m.b.CallsMethodsByReflection {
		h.CallsMethodsByReflection = 1
	}
	return nil
}

// definedBy returns the object with the definition that the link has chosen.
func (m *snapshotMaker) definedBy(s Sym) *oReader {
	i := m.l.objSyms[s].objidx
	if i == extObj {
		i = m.l.getPayload(s).objidx // the linker has changed its content
	}
	return m.l.objs[i]
}

// isInBase reports whether a symbol has a place in the base.
func (m *snapshotMaker) isInBase(s Sym) bool {
	l := m.l
	if !l.attrReachable.Has(s) || l.AttrSpecial(s) || l.SymType(s) == sym.STLSBSS {
		return false
	}
	sect := l.SymSect(s)
	return sect != nil && sect.Name != ".gopclntab" // parts of that one can't be shared
}

func (m *snapshotMaker) addDefinitions() {
	objectsOf := map[string][]*oReader{}
	for _, r := range m.l.objs[goObjStart:] {
		pkg := r.unit.Lib.Pkg
		objectsOf[pkg] = append(objectsOf[pkg], r)
		if m.b.Hot[pkg] {
			for _, s := range r.syms[:r.NAlldef()] {
				m.hotOwned.Set(s)
			}
		}
	}
	for _, p := range m.b.Packages {
		rec := pkgRecord{path: m.add(objabi.PathToPrefix(p.Path)), file: m.add(p.File), fingerprint: p.Fingerprint, object: uint32(len(m.objects))}
		if p.ColdImport {
			rec.coldImport = 1
		}
		if m.b.Hot[p.Path] {
			rec.hot = 1
		} else {
			for _, r := range objectsOf[p.Path] {
				m.addObject(r)
				rec.objects++
			}
		}
		m.packages = append(m.packages, rec)
	}
}

func (m *snapshotMaker) addObject(r *oReader) {
	n := uint32(r.NAlldef())
	m.objects = append(m.objects, objectRecord{
		pkg: uint32(len(m.packages)), definition: uint32(len(m.definitions)), definitions: n,
		hashed: [2]uint32{uint32(r.ndef), uint32(r.ndef + r.nhashed64def + r.nhasheddef)},
	})
	for i := range n {
		m.definitions = append(m.definitions, m.addDefinition(r, i))
	}
}

// addDefinition returns the ID of the record for a definition; 0 if it has none.
func (m *snapshotMaker) addDefinition(r *oReader, i uint32) (id uint32) {
	l, s := m.l, r.syms[i]
	name, space, inBase := r.Sym(i).Name(r.Reader), uint8(spaceStatic), m.isInBase(s)
	if r.isHashed(i) {
		name, space = hashKey(r, i), spaceHash
	} else if v := abiToVer(r.Sym(i).ABI(), r.version); name != "" && v != r.version {
		space = uint8(v)
	}
	if kind := l.SymType(s); !inBase && (space == spaceHash || name == "" || kind.IsDWARF()) {
		return 0 // a copy does as well
	}
	id = m.recordOf[s]
	known := id != 0
	if !known {
		m.records = append(m.records, m.newRecord(s, inBase && !(m.isHot(s) && space != spaceHash)))
		id = uint32(len(m.records))
		m.recordOf[s] = id
		m.record(id).name, m.record(id).space = m.add(name), space
	}
	if l.objSyms[s] == (objSym{r.objidx, i}) || !known {
		m.define(m.record(id), r, i)
	}
	return id
}

// isHot reports whether the link has chosen the definition of a hot object.
func (m *snapshotMaker) isHot(s Sym) bool {
	r := m.definedBy(s)
	return r != nil && r.unit != nil && m.b.Hot[r.unit.Lib.Pkg]
}

func (m *snapshotMaker) newRecord(s Sym, isInBase bool) record {
	l := m.l
	rec := record{kind: l.SymType(s), size: uint32(max(l.SymSize(s), 0)), line: -1, stack: m.b.Stack[s]}
	if rec.kind.IsText() {
		if f := l.FuncInfo(s); f.Valid() {
			rec.line, rec.funcID = f.StartLine(), uint8(f.FuncID())
		}
	}
	rec.set(inBase, isInBase)
	rec.set(usedInIface, l.AttrUsedInIface(s))
	rec.set(goType, l.IsGoType(s))
	rec.set(itab, l.IsItab(s))
	rec.set(hotDefinition, m.isHot(s))
	if isInBase {
		rec.addr = uint64(l.SymValue(s))
	}
	return rec
}

// define makes a definition in the object that was added last the one of a record.
func (m *snapshotMaker) define(rec *record, r *oReader, i uint32) {
	osym := r.Sym(i)
	rec.object, rec.local = uint32(len(m.objects))-1, i
	rec.set(dupOK, osym.Dupok())
	rec.set(hasContent, r.DataSize(i) != 0)
	rec.set(noLinkname, r.Std() && !osym.IsLinkname())
}

// markLossless finds the types that the base does not use in interfaces, but
// whose methods it has nevertheless, with all types that they lead to.
func (m *snapshotMaker) markLossless() {
	l, lossy := m.l, map[Sym]bool{}
	var types []Sym
	for s := Sym(1); s < Sym(l.NSym()); s++ {
		if !l.attrReachable.Has(s) || !l.IsGoType(s) || l.AttrUsedInIface(s) {
			continue
		}
		types = append(types, s)
		lossy[s] = m.hotOwned.Has(s)
		relocs := l.Relocs(s)
		for i := range relocs.Count() {
			if r := relocs.At(i); r.Type() == objabi.R_METHODOFF && !l.attrReachable.Has(r.Sym()) {
				lossy[s] = true
			}
		}
	}
	for again := true; again; {
		again = false
		for _, s := range types {
			relocs := l.Relocs(s)
			for i := 0; i < relocs.Count() && !lossy[s]; i++ {
				if r := relocs.At(i); !r.Weak() && (lossy[r.Sym()] || m.hotOwned.Has(r.Sym())) {
					lossy[s], again = true, true
				}
			}
		}
	}
	for _, s := range types {
		if id := m.recordOf[s]; id != 0 && !lossy[s] {
			m.record(id).set(lossless, true)
		}
	}
}

// sortRecords sorts the records by address.
func (m *snapshotMaker) sortRecords() {
	order := make([]uint32, len(m.records))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(a, b uint32) int { return cmp.Compare(m.records[a].addr, m.records[b].addr) })
	sorted, moved := make([]record, len(m.records)), make([]uint32, len(m.records)+1)
	for i, old := range order {
		sorted[i] = m.records[old]
		moved[old+1] = uint32(i) + 1
	}
	m.records = sorted
	for i, id := range m.definitions {
		m.definitions[i] = moved[id]
	}
	for s, id := range m.recordOf {
		m.recordOf[s] = moved[id]
	}
}

// addSites finds the relocations of the base that a delta may have to apply again.
func (m *snapshotMaker) addSites() error {
	l := m.l
	for s := Sym(1); s < Sym(l.NSym()); s++ {
		id := m.recordOf[s]
		if id == 0 || !m.record(id).has(inBase) {
			if m.hotOwned.Has(s) && l.IsItab(s) && m.isInBase(s) {
				m.staleItabs = append(m.staleItabs, uint64(l.SymValue(s)))
			}
			continue
		}
		if err := m.addSitesOf(s, uint64(l.SymValue(s))); err != nil {
			return err
		}
		if m.record(id).kind.IsText() {
			if err := m.addFuncdataSites(s); err != nil {
				return err
			}
		}
	}
	for _, p := range m.b.PrunedInits {
		caller, target := m.recordOf[p.Caller], m.recordOf[p.Target]
		if caller == 0 || !m.record(caller).has(inBase) || target == 0 {
			continue // a hot package
		}
		r := l.Relocs(p.Caller)
		call := r.At(p.Reloc)
		m.openSites = append(m.openSites, openSite{addr: uint64(l.SymValue(p.Caller)) + uint64(call.Off()), add: call.Add(), target: target, typ: uint16(call.Type()), size: call.Siz()})
	}
	slices.SortStableFunc(m.openSites, func(a, b openSite) int { return cmp.Compare(a.target, b.target) })
	return nil
}

// addSitesOf adds the sites in the symbol s, which is at an address.
func (m *snapshotMaker) addSitesOf(s Sym, addr uint64) error {
	l, relocs := m.l, m.l.Relocs(s)
	for i := range relocs.Count() {
		r := relocs.At(i)
		t := r.Sym()
		target := m.recordOf[t]
		if t == 0 || target != 0 && m.record(target).has(inBase) {
			continue
		}
		if m.hotOwned.Has(t) {
			if err := m.addSite(s, addr, r); err != nil {
				return err
			}
		} else if target != 0 && !l.attrReachable.Has(t) && r.Siz() != 0 {
			m.openSites = append(m.openSites, openSite{addr: addr + uint64(r.Off()), add: r.Add(), target: target, typ: uint16(r.Type()), size: r.Siz()})
		}
	}
	return nil
}

// addFuncdataSites adds the sites in the funcdata of a function: that of a wrapper
// names the function that it wraps. Their values are offsets in go:func.*.
func (m *snapshotMaker) addFuncdataSites(function Sym) error {
	l := m.l
	start := l.SymValue(l.symsByName[0]["go:func.*"])
	for _, s := range l.Funcdata(function, nil) {
		if s == 0 || m.funcdata[s] {
			continue
		}
		m.funcdata[s] = true
		if err := m.addSitesOf(s, uint64(start+l.SymValue(s))); err != nil {
			return err
		}
	}
	return nil
}

// addSite adds a site in the symbol s that names a symbol of a hot package.
func (m *snapshotMaker) addSite(s Sym, addr uint64, r Reloc) error {
	l, t := m.l, r.Sym()
	typ := r.Type()
	switch typ {
	case objabi.R_INITORDER, objabi.R_USEIFACEMETHOD, objabi.R_USENAMEDMETHOD, objabi.R_USETYPE:
		return nil // known in another way
	case objabi.R_USEIFACE:
		if !l.IsGoType(t) {
			return fmt.Errorf("%s uses %s, which is not a type, in an interface", l.SymName(s), l.SymName(t))
		}
	case objabi.R_ADDROFF, objabi.R_METHODOFF, objabi.R_ADDR, objabi.R_KEEP, objabi.R_PCREL:
	default:
		if !typ.IsDirectCall() {
			return fmt.Errorf("a relocation of type %v from %s to %s", typ, l.SymName(s), l.SymName(t))
		}
	}
	version := l.SymVersion(t)
	if l.SymName(t) == "" || version < 0 || version > 1 {
		return fmt.Errorf("%s refers to a symbol of a hot package that has no name", l.SymName(s))
	}
	name, ok := m.names[t]
	if !ok {
		name = m.add(l.SymName(t))
		m.names[t] = name
	}
	stack := int16(-1)
	if typ.IsDirectCall() && l.IsNoSplit(s) {
		stack = m.b.Stack[t]
	}
	m.Sites = append(m.Sites, Site{
		Addr: addr + uint64(r.Off()), Add: r.Add(), target: name, Type: uint16(typ), Size: r.Siz(),
		ABI: uint8(version), Stack: stack, UsedInIface: l.IsGoType(t) && l.AttrUsedInIface(t) || typ == objabi.R_USEIFACE,
	})
	return nil
}

func (m *snapshotMaker) addTasks() {
	for _, t := range m.b.Tasks {
		task := Task{name: m.add(m.l.SymName(t.Sym)), dep: uint32(len(m.taskDeps)), deps: uint32(len(t.Deps))}
		if !t.Hot {
			task.record = m.recordOf[t.Sym]
		}
		if m.l.SymSize(t.Sym) > 8 { // see inittask.go
			task.runs = 1
		}
		for _, dep := range t.Deps {
			m.taskDeps = append(m.taskDeps, m.add(m.l.SymName(dep)))
		}
		m.Tasks = append(m.Tasks, task)
	}
}

func (m *snapshotMaker) addMethods() {
	for _, method := range m.b.Ifaces {
		m.ifaces = append(m.ifaces, m.signature(method))
	}
	for _, name := range m.b.Generics {
		m.generics = append(m.generics, hashOf(name))
	}
	for _, method := range m.b.Pruned {
		id := m.recordOf[method.Of]
		if id == 0 || !m.record(id).has(inBase) {
			continue // a type of a hot package
		}
		p := prunedMethod{signature: m.signature(method.Method), name: hashOf(method.Name), typ: id}
		if method.Exported {
			p.exported = 1
		}
		m.pruned = append(m.pruned, p)
	}
	slices.Sort(m.ifaces)
	slices.Sort(m.generics)
	slices.SortFunc(m.pruned, func(a, b prunedMethod) int { return cmp.Compare(a.signature, b.signature) })
}

func (m *snapshotMaker) signature(method Method) uint64 {
	return hashOf(method.Name, m.l.SymName(method.Type))
}
