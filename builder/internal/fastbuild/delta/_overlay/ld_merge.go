package ld

import (
	"bytes"
	"cmd/internal/objabi"
	"cmd/link/internal/loader"
	"cmd/link/internal/sym"
	"encoding/binary"
	"math"
	"os"
)

// Sizes of ELF structures.
const (
	headerSize  = 0x1000 // what the linker leaves free for headers and notes
	phdrSize    = 56
	ptLoad      = 1
	ptPhdr      = 6
	elfPhoff    = 32
	elfShoff    = 40
	elfPhnum    = 56
	elfShnum    = 60
	elfShstrndx = 62
)

// moduleFields are offsets in moduledata that symtab notes.
var moduleFields struct{ etypes, inittasks, hasmain int64 }

// emptyMap is a map without entries, for moduledata.typemap.
var emptyMap loader.Sym

// addEmptyMap makes emptyMap.
func addEmptyMap(ctxt *Link) {
	m := ctxt.loader.CreateSymForUpdate("local.emptymap", 0)
	m.SetType(sym.SNOPTRBSS)
	m.SetSize(128) // internal/runtime/maps.Map is smaller
	m.SetAlign(8)
	emptyMap = m.Sym()
}

// merger makes the program: the base, changed, and the delta after it.
type merger struct {
	ctxt  *Link
	out   *os.File
	head  []byte // the first headerSize bytes of the program
	delta []byte // the file of the delta link, a program of its own
	at    uint64 // where the delta begins in the file
}

// mergeDelta writes the program into the copy of the base.
func mergeDelta(ctxt *Link) {
	exitIfErrors()
	m := &merger{ctxt: ctxt, head: append([]byte(nil), onBase.Image[:headerSize]...), at: (uint64(len(onBase.Image)) + 0xfff) &^ 0xfff}
	var err error
	if m.delta, err = os.ReadFile(*flagOutfile); err != nil {
		loader.GiveUp("%v", err)
	}
	if m.out, err = os.OpenFile(os.Getenv(copyVariable), os.O_RDWR, 0); err != nil {
		loader.GiveUp("%v", err)
	}
	m.check()
	m.copyNotes()
	m.mergeHeaders()
	ctxt.loader.Patches(m.patch)
	m.patchModules()
	m.write(m.head, 0)
	m.write(m.delta, int64(m.at))
	if err := m.out.Truncate(int64(m.at) + int64(len(m.delta))); err != nil {
		loader.GiveUp("%v", err)
	}
	if err := m.out.Close(); err != nil {
		loader.GiveUp("%v", err)
	}
}

// check gives up if the copy is not one, or the delta is too far away.
func (m *merger) check() {
	info, err := m.out.Stat()
	if err != nil || info.Size() != int64(len(onBase.Image)) {
		loader.GiveUp("%s is not a copy of the base", m.out.Name())
	}
	if end := m.ctxt.loader.SymValue(m.ctxt.loader.Lookup("runtime.end", 0)); end > math.MaxInt32 {
		loader.GiveUp("the program is too large")
	}
}

func (m *merger) write(content []byte, offset int64) {
	if _, err := m.out.WriteAt(content, offset); err != nil {
		loader.GiveUp("%v", err)
	}
}

// put changes the base at an address.
func (m *merger) put(addr uint64, content []byte) {
	offset, ok := onBase.Offset(addr)
	if !ok || offset < headerSize {
		loader.GiveUp("%#x is not in the file of the base", addr)
	}
	m.write(content, int64(offset))
}

func (m *merger) put64(addr uint64, values ...uint64) {
	var content []byte
	for _, v := range values {
		content = binary.LittleEndian.AppendUint64(content, v)
	}
	m.put(addr, content)
}

// programHeaders returns the program headers of an ELF file.
func programHeaders(elf []byte) (headers [][]byte) {
	start, n := binary.LittleEndian.Uint64(elf[elfPhoff:]), uint64(binary.LittleEndian.Uint16(elf[elfPhnum:]))
	for i := range n {
		headers = append(headers, append([]byte(nil), elf[start+i*phdrSize:][:phdrSize]...))
	}
	return headers
}

func headerType(header []byte) uint32 { return binary.LittleEndian.Uint32(header) }

// fileRange returns where in the file a segment is.
func fileRange(header []byte) (start, end uint64) {
	start = binary.LittleEndian.Uint64(header[8:])
	return start, start + binary.LittleEndian.Uint64(header[32:])
}

// copyNotes gives the program the build IDs of the delta.
func (m *merger) copyNotes() {
	for _, name := range []string{"Go\x00\x00", "GNU\x00"} {
		to, from := noteOf(m.head, name), noteOf(m.delta, name)
		if len(to) != len(from) {
			loader.GiveUp("a note has another size than in the base")
		}
		copy(to, from)
	}
}

// noteOf returns the content of the note section with the build ID of a kind, see
// elfwritegobuildid and elfwritebuildinfo; nil if there is none.
func noteOf(elf []byte, name string) []byte {
	i := bytes.Index(elf[:headerSize], []byte(name))
	if i < 12 || binary.LittleEndian.Uint32(elf[i-12:]) != 4 {
		return nil
	}
	size := int(binary.LittleEndian.Uint32(elf[i-8:]))
	return elf[i+4:][:size]
}

// mergeHeaders adds the segments of the delta. The kernel wants segments in
// ascending order.
func (m *merger) mergeHeaders() {
	var headers, added [][]byte
	last, free := 0, uint64(headerSize)
	for _, header := range programHeaders(m.head) {
		headers = append(headers, header)
		if start, _ := fileRange(header); headerType(header) == ptLoad {
			last = len(headers)
		} else if start > 64 && headerType(header) != ptPhdr {
			free = min(free, start)
		}
	}
	for _, header := range programHeaders(m.delta) {
		if headerType(header) == ptLoad {
			start, _ := fileRange(header)
			binary.LittleEndian.PutUint64(header[8:], start+m.at)
			added = append(added, header)
		}
	}
	headers = append(headers[:last:last], append(added, headers[last:]...)...)
	start, size := binary.LittleEndian.Uint64(m.head[elfPhoff:]), uint64(len(headers))*phdrSize
	if start+size > free {
		loader.GiveUp("the headers do not fit")
	}
	for i, header := range headers {
		if headerType(header) == ptPhdr {
			binary.LittleEndian.PutUint64(header[32:], size)
			binary.LittleEndian.PutUint64(header[40:], size)
		}
		copy(m.head[start+uint64(i)*phdrSize:], header)
	}
	binary.LittleEndian.PutUint16(m.head[elfPhnum:], uint16(len(headers)))
	binary.LittleEndian.PutUint64(m.head[elfShoff:], 0) // section headers are for tools
	binary.LittleEndian.PutUint16(m.head[elfShnum:], 0)
	binary.LittleEndian.PutUint16(m.head[elfShstrndx:], 0)
}

// patch applies a relocation of the base again.
func (m *merger) patch(p loader.Patch) {
	ldr := m.ctxt.loader
	value := ldr.SymValue(p.Sym) + p.Add
	switch {
	case p.Type == objabi.R_ADDR && p.Size == 8:
	case (p.Type.IsDirectCall() || p.Type == objabi.R_PCREL) && p.Size == 4:
		value -= int64(p.Addr) + 4
	case (p.Type == objabi.R_ADDROFF || p.Type == objabi.R_METHODOFF) && p.Size == 4:
		value = offsetInBase(ldr, p.Sym) + p.Add
	default:
		loader.GiveUp("a relocation of type %v to %s", p.Type, ldr.SymName(p.Sym))
	}
	if !ldr.AttrReachable(p.Sym) || ldr.SymValue(p.Sym) == 0 {
		loader.GiveUp("%s has no address", ldr.SymName(p.Sym))
	}
	if p.Size == 4 && value != int64(int32(value)) {
		loader.GiveUp("%s is too far away", ldr.SymName(p.Sym))
	}
	m.put(p.Addr, binary.LittleEndian.AppendUint64(nil, uint64(value))[:p.Size])
}

// offsetInBase returns the offset of a symbol in the sense of R_ADDROFF: from the
// begin of the text, the types or the read-only data of the base, also for
// symbols of the delta.
func offsetInBase(ldr *loader.Loader, s loader.Sym) int64 {
	value := ldr.SymValue(s)
	switch {
	case ldr.SymType(s).IsText():
		return value - int64(onBase.Text)
	case ldr.InBase(s) && uint64(value) >= onBase.Types && uint64(value) < onBase.EndOfTypes,
		!ldr.InBase(s) && ldr.SymSect(s) == ldr.SymSect(ldr.Lookup("runtime.types", 0)):
		return value - int64(onBase.Types)
	}
	return value - int64(onBase.Rodata)
}

// patchModules makes the delta the second module of the program. The runtime
// finds types and names of both by the first one, since etypes is beyond them.
func (m *merger) patchModules() {
	ldr := m.ctxt.loader
	value := func(s loader.Sym) uint64 { return uint64(ldr.SymValue(s)) }
	first, second := onBase.ModuleData, value(m.ctxt.Moduledata)
	next := first + onBase.ModuleDataSize - 8 // the last field
	m.put64(next, second)
	m.put64(onBase.LastModule, second)
	m.put64(first+uint64(moduleFields.etypes), value(ldr.Lookup("runtime.etypes", 0)))
	tasks := m.ctxt.mainInittasks
	n := uint64(ldr.SymSize(tasks)) / 8
	m.put64(first+uint64(moduleFields.inittasks), value(tasks), n, n)
	// The types of the two modules are already one set. typelinksinit compares the module
	// with main to those after it that have no typemap: the base must not be compared.
	m.put(first+uint64(moduleFields.hasmain), []byte{0})
	m.put64(next-8, value(emptyMap)) // typemap
	m.hideItabs()
}

// hideItabs makes the itabs unknown that only hot packages defined: if the delta
// has them, too, the runtime could find either of two. Their type becomes their
// interface, which is not the dynamic type of any value.
func (m *merger) hideItabs() {
	for _, addr := range onBase.StaleItabs() {
		m.put64(addr+8, onBase.Uint64At(addr)) // Type, Inter
	}
}

// addStart adds the start of a section to the module data: in a delta, what the
// offsets are relative to is the section of the base.
func addStart(ctxt *Link, moduledata *loader.SymbolBuilder, name string) {
	if onBase == nil {
		moduledata.AddAddr(ctxt.Arch, ctxt.loader.Lookup(name, 0))
		return
	}
	start := map[string]uint64{"runtime.text": onBase.Text, "runtime.types": onBase.Types, "runtime.rodata": onBase.Rodata}
	moduledata.AddUint(ctxt.Arch, start[name])
}

// textStartFor returns what the offsets in the function table are relative to.
func textStartFor(ldr *loader.Loader) int64 {
	if onBase != nil {
		return int64(onBase.Text)
	}
	return ldr.SymValue(ldr.Lookup("runtime.text", 0))
}

// finishModule ends the module data of a delta. The rest of it is zero.
func finishModule(ctxt *Link, moduledata *loader.SymbolBuilder) {
	moduledata.SetSize(int64(onBase.ModuleDataSize))
	moduledata.Grow(moduledata.Size())
	addEmptyMap(ctxt)
}
