package ld

import (
	"bytes"
	"cmd/internal/objabi"
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"internal/abi"
	"os"
	"slices"
)

// verifier compares a delta with the program that this process has just linked from the same
// archives. It begins at the entry point of both and follows all relocations. Each symbol has one
// place in the delta: its content must be the same there, except at relocations, and these
// must lead to the places of the same symbols. So all that the program can reach is compared.
//
// What the runtime finds by its tables is compared by these tables: functions and their
// metadata, types and itabs, pointers in variables, init tasks.
type verifier struct {
	ctxt *Link
	ldr  *loader.Loader

	want, got *image // the program, and the delta

	places    map[loader.Sym]uint64    // in the delta
	from      map[placement]loader.Sym // symbols that refer to it
	queue     []placement
	types     []placement // that wait until the modules are known
	functions []placement // whose metadata is not yet compared

	definitions loader.Definitions // nil until they are needed
}

// placement is a symbol at an address of the delta.
type placement struct {
	s           loader.Sym
	addr        uint64
	size, align uint64
}

// mismatch is the panic value for a difference between the two programs.
type mismatch struct{ text string }

func (v *verifier) fail(s loader.Sym, format string, args ...any) {
	panic(mismatch{v.ldr.SymName(s) + ": " + fmt.Sprintf(format, args...)})
}

func (v *verifier) failAt(p placement, format string, args ...any) {
	v.fail(p.s, format+" (at %#x; %s refers to it)", append(args, p.addr, v.ldr.SymName(v.from[p]))...)
}

// exitDiffers is the exit code if the programs differ.
const exitDiffers = 5

// compareWith compares a delta with the output of this link, and ends the process if they differ.
func compareWith(ctxt *Link, delta string) {
	v := &verifier{ctxt: ctxt, ldr: ctxt.loader, places: map[loader.Sym]uint64{}, from: map[placement]loader.Sym{}}
	var err error
	if v.want, err = openImage(*flagOutfile); err != nil {
		Exitf("%v", err)
	}
	if v.got, err = openImage(delta); err != nil {
		Exitf("%v", err)
	}
	if err := try(v.compare); err != nil {
		fmt.Fprintln(os.Stderr, err.text)
		os.Exit(exitDiffers)
	}
}

// compare panics with a mismatch if the programs differ.
func (v *verifier) compare() {
	v.place(0, v.placement(v.entry(), v.got.entry))
	v.follow()
	first := v.ctxt.Moduledata
	if v.places[first] == 0 {
		v.fail(v.entry(), "does not lead to the modules")
	}
	fields := v.moduleFields()
	v.want.readModules(uint64(v.ldr.SymValue(first)), fields)
	v.got.readModules(v.places[first], fields)
	v.modules()
	v.initTasks()
	for len(v.queue)+len(v.types)+len(v.functions) > 0 {
		v.queue, v.types = append(v.queue, v.types...), nil
		v.follow()
		for _, p := range v.functions {
			v.function(p)
		}
		v.functions = nil
	}
	v.typelinks()
	v.itabs()
	v.variables()
}

func (v *verifier) entry() loader.Sym {
	for _, version := range []int{0, sym.SymVerABI0} {
		if s := v.ldr.Lookup(*flagEntrySymbol, version); s != 0 && v.ldr.AttrReachable(s) {
			return s
		}
	}
	panic("no entry point")
}

func (v *verifier) placement(s loader.Sym, addr uint64) placement {
	return placement{s, addr, uint64(max(v.ldr.SymSize(s), 0)), uint64(v.ldr.SymAlign(s))}
}

// place notes a reference of a symbol to another one at its place in the delta.
func (v *verifier) place(from loader.Sym, p placement) {
	ldr, s := v.ldr, p.s
	if outer := ldr.OuterSym(s); outer != 0 && ldr.SubSym(outer) != 0 && ldr.SymType(s) != sym.SDYNIMPORT {
		// A part of a C object: only the whole has relocations.
		v.place(from, v.placement(outer, p.addr-uint64(ldr.SymValue(s)-ldr.SymValue(outer))))
		return
	}
	if ldr.AttrSpecial(s) || ldr.SymType(s) == sym.STLSBSS || ldr.SymType(s) == sym.SDYNIMPORT {
		return
	}
	if old, ok := v.places[s]; !ok {
		v.places[s] = p.addr
	} else if old != p.addr && p.size > 0 && !v.shareable(s) {
		v.fail(from, "refers to %s at %#x, which is also at %#x", ldr.SymName(s), p.addr, old)
	}
	if _, seen := v.from[p]; !seen {
		v.from[p] = from
		v.queue = append(v.queue, p)
	}
}

// shareable reports whether a symbol may be at several places, because only its content matters.
func (v *verifier) shareable(s loader.Sym) bool {
	return !v.ldr.SymType(s).IsText() && !v.writable(s) && !v.ldr.IsGoType(s) && !v.ldr.IsItab(s)
}

func (v *verifier) writable(s loader.Sym) bool {
	sect := v.ldr.SymSect(s)
	return sect != nil && sect.Seg == &Segdata
}

// follow compares all symbols of the queue and those that they refer to.
func (v *verifier) follow() {
	for len(v.queue) > 0 {
		p := v.queue[len(v.queue)-1]
		v.queue = v.queue[:len(v.queue)-1]
		switch name := v.ldr.SymName(p.s); {
		case p.s == v.ctxt.Moduledata, name == "runtime.lastmoduledatap", name == "go:buildid", name == "go:fipsinfo":
			// The linker fills them in. Modules are compared by what they contain.
		case name == "runtime.disableMemoryProfiling":
			v.memoryProfiling(p)
		case v.ldr.SymType(p.s).IsText():
			v.functions = append(v.functions, p)
			v.definition(p, func() { v.relocations(p) })
		case v.got.modules == nil && v.hasOffsets(p.s):
			v.types = append(v.types, p)
		default:
			v.definition(p, func() { v.relocations(p) })
		}
	}
}

// definition compares the content of a symbol and then calls f. Several packages may define the same
// symbol, a function with other inlined calls, for example, or a type with a reference less: one of
// these definitions has to fit.
func (v *verifier) definition(p placement, f func()) {
	want, flags := v.want.read(uint64(v.ldr.SymValue(p.s)), p.size)
	err := try(func() {
		v.content(p, want, flags)
		f()
	})
	if err == nil {
		return
	}
	if v.definitions == nil {
		v.definitions = v.ldr.Definitions()
	}
	if !v.definitions.Each(v.ldr, p.s, func() bool {
		p := p
		p.size = uint64(v.ldr.SymSize(p.s))
		return try(func() {
			v.content(p, slices.Clone(v.ldr.Data(p.s)), flags)
			f()
		}) == nil
	}) {
		panic(*err)
	}
}

// try calls f and returns the difference that it finds.
func try(f func()) (err *mismatch) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case mismatch:
			err = &e
		default:
			panic(e)
		}
	}()
	f()
	return nil
}

// memoryProfiling checks that memory is profiled if the program reads profiles. The delta may profile for nothing.
func (v *verifier) memoryProfiling(p placement) {
	want, _ := v.want.read(uint64(v.ldr.SymValue(p.s)), p.size)
	got, _ := v.got.read(p.addr, p.size)
	if got == nil || !bytes.Equal(want, got) && got[0] != 0 {
		v.failAt(p, "is %v", got)
	}
}

// hasOffsets reports whether a symbol refers to others by offsets in a module.
func (v *verifier) hasOffsets(s loader.Sym) bool {
	relocs := v.ldr.Relocs(s)
	for i := range relocs.Count() {
		if t := relocs.At(i).Type(); t == objabi.R_ADDROFF || t == objabi.R_METHODOFF {
			return true
		}
	}
	return false
}

// content compares the content of a symbol with that at its place, except relocations.
func (v *verifier) content(p placement, want []byte, flags elf.ProgFlag) {
	got, gotFlags := v.got.read(p.addr, p.size)
	switch {
	case p.size == 0:
		return
	case want == nil:
		v.failAt(p, "is not in the program")
	case got == nil:
		v.failAt(p, "nothing is there")
	case flags != gotFlags:
		v.failAt(p, "is in a segment with the flags %d instead of %d", gotFlags, flags)
	case p.align > 1 && p.addr%p.align != 0:
		v.failAt(p, "not at a multiple of %d", p.align)
	}
	relocs, fixed := v.ldr.Relocs(p.s), 0
	for i := range relocs.Count() { // they are sorted
		r := relocs.At(i)
		if r.Siz() == 0 {
			continue
		}
		off, end := int(r.Off()), int(r.Off())+int(r.Siz())
		if off < fixed || end > len(want) {
			v.failAt(p, "has a relocation at offset %#x", off)
		}
		v.equal(p, want[:off], got[:off], fixed)
		fixed = end
	}
	v.equal(p, want, got, fixed)
}

// relocations compares where the relocations of a symbol lead to.
func (v *verifier) relocations(p placement) {
	got, _ := v.got.read(p.addr, p.size)
	want, _ := v.want.read(uint64(v.ldr.SymValue(p.s)), p.size)
	relocs := v.ldr.Relocs(p.s)
	for i := range relocs.Count() {
		if r := relocs.At(i); r.Siz() > 0 {
			v.relocation(p, i, want[r.Off():][:r.Siz()], got[r.Off():][:r.Siz()])
		}
	}
}

// equal compares the content of a symbol from an offset.
func (v *verifier) equal(p placement, want, got []byte, offset int) {
	for i := offset; i < len(want); i++ {
		if want[i] != got[i] {
			v.failAt(p, "differs at offset %#x", i)
		}
	}
}

// relocation compares where a relocation of a symbol leads to.
func (v *verifier) relocation(p placement, i int, want, got []byte) {
	relocs := v.ldr.Relocs(p.s)
	r := relocs.At(i)
	t, s := r.Type(), r.Sym()
	if s != 0 && !v.ldr.AttrReachable(s) && (r.Weak() || t == objabi.R_METHODOFF) {
		return // not in the program: the delta may have it all the same
	}
	if s != 0 && v.ldr.SymName(s) == "runtime.mapinitnoop" {
		return // nothing in the program reads the map: the delta may initialize it all the same
	}
	switch t {
	case objabi.R_ADDR:
		v.target(p, i, number(got))
	case objabi.R_CALL, objabi.R_PCREL, objabi.R_GOTPCREL:
		if s != 0 {
			v.target(p, i, p.addr+uint64(r.Off())+uint64(r.Siz())+uint64(int32(number(got))))
		}
	case objabi.R_ADDROFF, objabi.R_METHODOFF:
		offset := int32(number(got))
		switch {
		case offset == 0 && r.Weak():
			return // reflection finds the type among the typelinks
		case offset == -1 && t == objabi.R_METHODOFF:
			isType := !v.ldr.SymType(s).IsText()
			if isType && !v.ldr.AttrReachable(relocs.At(i+1).Sym()) {
				return // the program has the type of a method, but not the method
			}
			v.failAt(p, "has no method %s", v.ldr.SymName(s))
		}
		v.target(p, i, v.resolve(p, s, offset))
	default:
		if !bytes.Equal(want, got) && t < objabi.ElfRelocOffset {
			v.failAt(p, "differs at offset %#x, at a relocation %v", r.Off(), t)
		}
	}
}

// target notes where a relocation leads to.
func (v *verifier) target(p placement, i int, addr uint64) {
	relocs := v.ldr.Relocs(p.s)
	r := relocs.At(i)
	to := placement{s: r.Sym(), addr: addr - uint64(r.Add()), size: uint64(max(v.ldr.SymSize(r.Sym()), 0)), align: uint64(v.ldr.SymAlign(r.Sym()))}
	if size, align, ok := v.ldr.ContentReferredTo(p.s, i); ok && v.shareable(to.s) {
		to.size, to.align = size, align
	}
	v.place(p.s, to)
}

// resolve returns where an offset in a type or a name leads to, by the rules of the runtime.
func (v *verifier) resolve(p placement, s loader.Sym, offset int32) (addr uint64) {
	m := v.got.moduleOfType(p.addr)
	if m == nil {
		v.failAt(p, "not among the types of a module")
	}
	if v.ldr.SymType(s).IsText() {
		return m.text + uint64(int64(offset))
	}
	addr = m.types + uint64(int64(offset))
	if addr > m.etypes {
		v.failAt(p, "its offset of %s is beyond the types of the module", v.ldr.SymName(s))
	}
	return addr
}

func number(b []byte) uint64 {
	switch len(b) {
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	panic("a relocation of an unknown size")
}

// modules checks the list of modules. The last one has to be that with main: the runtime makes it the first, and
// would otherwise replace its types by equal ones of the base, which have other methods.
func (v *verifier) modules() {
	last := v.got.modules[len(v.got.modules)-1]
	pointer := v.ldr.Lookup("runtime.lastmoduledatap", 0)
	if addr := v.places[pointer]; addr != 0 && v.got.u64(addr) != last.addr {
		v.fail(pointer, "is not the last module")
	}
	for _, m := range v.got.modules {
		if (m.hasmain != 0) != (m == last) {
			v.fail(v.ctxt.Moduledata, "hasmain is %d at %#x", m.hasmain, m.addr)
		}
		if m != last && m.typemap == 0 {
			v.fail(v.ctxt.Moduledata, "the types at %#x would be compared with those of other modules", m.addr)
		}
	}
}

// initTasks compares the init tasks of the program, in their order.
func (v *verifier) initTasks() {
	var got []uint64
	for _, m := range v.got.modules {
		got = append(got, v.got.words(m.inittasks)...)
	}
	tasks := v.ctxt.mainInittasks
	if tasks == 0 {
		return
	}
	relocs := v.ldr.Relocs(tasks)
	if len(got) != relocs.Count() {
		v.fail(tasks, "%d init tasks instead of %d", len(got), relocs.Count())
	}
	if s := v.got.modules[0].inittasks; s.cap != s.len {
		v.fail(tasks, "the capacity of their slice is %d, its length %d", s.cap, s.len)
	}
	for i := range relocs.Count() {
		v.place(tasks, v.placement(relocs.At(i).Sym(), got[i]))
	}
}

// typelinks compares the types that reflection finds by their strings.
func (v *verifier) typelinks() {
	linked := map[uint64]bool{}
	for _, m := range v.got.modules {
		for _, addr := range m.typelinks {
			linked[addr] = true
		}
	}
	for s, addr := range v.places {
		if v.ldr.IsTypelink(s) && !linked[addr] {
			v.fail(s, "reflection does not find it")
		}
	}
}

// itabs checks that the runtime knows all itabs, and each of a pair of types once.
func (v *verifier) itabs() {
	known := map[uint64]bool{}
	pairs := map[[2]uint64]uint64{}
	for _, m := range v.got.modules {
		for _, itab := range m.itabs {
			pair := [2]uint64{v.got.u64(itab), v.got.u64(itab + 8)}
			if hidden := pair[0] == pair[1]; hidden {
				continue
			}
			if other := pairs[pair]; other != 0 && other != itab {
				panic(mismatch{fmt.Sprintf("two itabs of the same types, at %#x and %#x", other, itab)})
			}
			pairs[pair], known[itab] = itab, true
		}
	}
	for s, addr := range v.places {
		if v.ldr.IsItab(s) && !known[addr] {
			v.fail(s, "the runtime does not know it")
		}
	}
}

// variables checks that variables do not overlap, and that the garbage collector finds the same
// pointers in them.
func (v *verifier) variables() {
	var placed []placement
	for s, addr := range v.places {
		if v.ldr.SymSize(s) > 0 && v.writable(s) && v.ldr.OuterSym(s) == 0 && v.ldr.SubSym(s) == 0 {
			placed = append(placed, v.placement(s, addr))
		}
	}
	slices.SortFunc(placed, func(a, b placement) int {
		if a.addr != b.addr {
			return map[bool]int{true: -1, false: 1}[a.addr < b.addr]
		}
		return int(a.s) - int(b.s)
	})
	end, last := uint64(0), loader.Sym(0)
	for _, p := range placed {
		if p.addr < end {
			v.failAt(p, "overlaps %s", v.ldr.SymName(last))
		}
		size := uint64(v.ldr.SymSize(p.s))
		end, last = p.addr+size, p.s
		if p.s == v.ctxt.Moduledata {
			continue
		}
		addr := uint64(v.ldr.SymValue(p.s))
		for i := uint64(0); i < size; i += 8 {
			if v.want.isPointer(addr+i) != v.got.isPointer(p.addr+i) {
				v.failAt(p, "the garbage collector sees another kind of value at offset %#x", i)
			}
		}
	}
}

// function compares what the runtime knows of a function.
func (v *verifier) function(p placement) {
	v.definition(p, func() {
		size := uint64(v.ldr.SymSize(p.s))
		if size == 0 || v.ldr.SubSym(p.s) != 0 {
			return
		}
		got, end := v.got.function(p.addr)
		last, _ := v.got.function(p.addr + size - 1)
		if got == nil || last == nil || last.addr != got.addr || got.entry != p.addr || end < p.addr+size {
			v.failAt(p, "the runtime does not find it")
		}
		v.metadata(p, got)
	})
}

// metadata compares the fixed part of what the runtime knows of a function, and its tables.
func (v *verifier) metadata(p placement, got *function) {
	ldr, fi := v.ldr, v.ldr.FuncInfo(p.s)
	want := fixed{name: ldr.SymName(p.s), deferreturn: computeDeferReturn(v.ctxt, ldr.Lookup("runtime.deferreturn", abiInternalVer), p.s)}
	if fi.Valid() {
		fi.Preload()
		want.args, want.line, want.funcID, want.flag = uint32(fi.Args()), uint32(fi.StartLine()), byte(fi.FuncID()), byte(fi.FuncFlag())
		want.tables = numPCData(ldr, p.s, fi)
	}
	if f := got.fixed(); f != want {
		v.failAt(p, "the runtime knows it as %v instead of %v", f, want)
	}
	if !fi.Valid() {
		return
	}
	pcsp, pcfile, pcline, pcinline, pcdata := ldr.PcdataAuxs(p.s, nil)
	tables := append([]loader.Sym{pcsp, pcfile, pcline}, pcdata...)
	for len(tables) < 3+int(want.tables) {
		tables = append(tables, 0)
	}
	if fi.NumInlTree() > 0 {
		tables[3+abi.PCDATA_InlTreeIndex] = pcinline
	}
	for i, offset := range got.tables() {
		var content []byte
		if tables[i] != 0 {
			content = ldr.Data(tables[i])
		}
		const pcfileIndex = 1
		if i == pcfileIndex {
			v.files(p, content, got)
		} else if !bytes.Equal(content, got.table(offset)) {
			v.failAt(p, "table %d of the runtime differs", i)
		}
	}
	v.funcdata(p, fi, got)
}

// files compares the files of the parts of a function. Their numbers are those of the object that the
// definition is from. Several objects may define the same function.
func (v *verifier) files(p placement, table []byte, got *function) {
	names := v.ldr.SymUnit(p.s).FileTable
	want, pcs := values(table)
	have, havePCs := values(got.table(got.pcfile()))
	if !slices.Equal(pcs, havePCs) {
		v.failAt(p, "the table of its files differs")
	}
	for i, n := range want {
		if (n < 0) != (have[i] < 0) || n >= 0 && expandFile(names[n]) != got.file(have[i]) {
			v.failAt(p, "part %d is of another file than that of number %d", i, n)
		}
	}
}

// funcdata compares the data of a function that the compiler made for the runtime.
func (v *verifier) funcdata(p placement, fi loader.FuncInfo, got *function) {
	want := funcData(v.ldr, p.s, fi, 0, nil)
	offsets := got.funcdata()
	if len(want) != len(offsets) {
		v.failAt(p, "%d funcdata instead of %d", len(offsets), len(want))
	}
	for i, offset := range offsets {
		switch addr := got.m.gofunc + uint64(offset); {
		case i == abi.FUNCDATA_InlTree && fi.NumInlTree() > 0:
			v.inlined(p, fi, got)
		case ignoreFuncData(v.ldr, p.s, i, want[i]) != (offset == ^uint32(0)):
			v.failAt(p, "funcdata %d: offset %#x", i, offset)
		case offset != ^uint32(0):
			v.funcdatum(p, want[i], addr, got.m)
		}
	}
}

// inlined compares the functions that are inlined into a function.
func (v *verifier) inlined(p placement, fi loader.FuncInfo, got *function) {
	for i, call := range got.inlined(int(fi.NumInlTree())) {
		want := fi.InlTree(i)
		of := v.ldr.FuncInfo(want.Func)
		if x := (inlinedCall{byte(of.FuncID()), v.ldr.SymName(want.Func), uint32(want.ParentPC), uint32(of.StartLine())}); x != call {
			v.failAt(p, "%v is inlined instead of %v", call, x)
		}
	}
}

// funcdatum compares one of the data. It refers to others by offsets from the text or the read-only
// data of the module.
func (v *verifier) funcdatum(p placement, s loader.Sym, addr uint64, m *module) {
	want := slices.Clone(v.ldr.Data(s))
	got, _ := v.got.read(addr, uint64(len(want)))
	relocs := v.ldr.Relocs(s)
	for i := range relocs.Count() {
		r := relocs.At(i)
		if r.Siz() == 0 || got == nil {
			continue
		}
		part, base := got[r.Off():][:r.Siz()], m.rodata
		if v.ldr.SymType(r.Sym()).IsText() {
			base = m.text
		}
		v.target(placement{s: s}, i, base+number(part))
		clear(part)
		clear(want[r.Off():][:r.Siz()])
	}
	if !bytes.Equal(want, got) {
		v.failAt(p, "%s differs", v.ldr.SymName(s))
	}
}
