package ld

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"internal/abi"
	"os"
)

// image is a program as it is in memory before it runs.
type image struct {
	data     []byte
	entry    uint64
	segments []elf.ProgHeader
	modules  []*module
}

func openImage(file string) (*image, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	m := &image{data: data, entry: f.Entry}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			m.segments = append(m.segments, p.ProgHeader)
		}
	}
	return m, nil
}

// read returns a copy of memory and the flags of its segment, or nil where no memory is.
func (m *image) read(addr, size uint64) ([]byte, elf.ProgFlag) {
	for _, s := range m.segments {
		if addr < s.Vaddr || addr+size > s.Vaddr+s.Memsz {
			continue
		}
		b := make([]byte, size)
		if off := addr - s.Vaddr; off < s.Filesz {
			copy(b, m.data[s.Off+off:s.Off+s.Filesz])
		}
		return b, s.Flags
	}
	return nil, 0
}

// at returns memory from an address to the end of the segment's part of the file.
func (m *image) at(addr uint64) []byte {
	for _, s := range m.segments {
		if addr >= s.Vaddr && addr < s.Vaddr+s.Filesz {
			return m.data[s.Off+addr-s.Vaddr : s.Off+s.Filesz]
		}
	}
	panic(mismatch{fmt.Sprintf("a table leads to %#x, where nothing is", addr)})
}

func (m *image) u32(addr uint64) uint32 { return binary.LittleEndian.Uint32(m.at(addr)) }
func (m *image) u64(addr uint64) uint64 { return binary.LittleEndian.Uint64(m.at(addr)) }

func (m *image) text(addr uint64) string {
	b := m.at(addr)
	return string(b[:bytes.IndexByte(b, 0)])
}

// slice is a slice in the memory of an image.
type slice struct{ addr, len, cap uint64 }

// words returns the content of a slice of pointers.
func (m *image) words(s slice) (words []uint64) {
	for i := range s.len {
		words = append(words, m.u64(s.addr+8*i))
	}
	return words
}

// module is what the runtime knows of a module: its moduledata.
type module struct {
	image *image
	addr  uint64

	funcnametab, cutab, filetab, pctab, pclntable, ftab slice
	inittasks                                           slice

	findfunctab, minpc, maxpc, text, types, etypes, rodata, gofunc uint64
	data, edata, bss, ebss, typemap                                uint64
	hasmain                                                        byte

	gcdata, gcbss    []byte   // bit masks: which words are pointers
	typelinks, itabs []uint64 // addresses of the types that reflection finds, and of the itabs that the runtime finds
}

// moduleFields returns the offsets of the fields of the runtime's type moduledata.
func (v *verifier) moduleFields() map[string]uint64 {
	t := v.ldr.Lookup("type:runtime.moduledata", 0)
	fields := map[string]uint64{}
	for i := range decodetypeStructFieldCount(v.ldr, v.ctxt.Arch, t) {
		name := decodetypeStructFieldName(v.ldr, v.ctxt.Arch, t, i)
		fields[name] = uint64(decodetypeStructFieldOffset(v.ldr, v.ctxt.Arch, t, i))
	}
	return fields
}

// readModules reads the list of modules that begins at an address.
func (m *image) readModules(addr uint64, fields map[string]uint64) {
	for addr != 0 {
		word := func(name string) uint64 {
			offset, ok := fields[name]
			if !ok {
				return 0
			}
			return m.u64(addr + offset)
		}
		part := func(name string) slice {
			if offset, ok := fields[name]; ok {
				return slice{m.u64(addr + offset), m.u64(addr + offset + 8), m.u64(addr + offset + 16)}
			}
			return slice{}
		}
		n := &module{
			image: m, addr: addr, typemap: word("typemap"), hasmain: byte(word("hasmain")), funcnametab: part("funcnametab"), cutab: part("cutab"), filetab: part("filetab"), pctab: part("pctab"),
			pclntable: part("pclntable"), ftab: part("ftab"), inittasks: part("inittasks"),
			findfunctab: word("findfunctab"), minpc: word("minpc"), maxpc: word("maxpc"), text: word("text"), types: word("types"), etypes: word("etypes"),
			rodata: word("rodata"), gofunc: word("gofunc"), data: word("data"), edata: word("edata"), bss: word("bss"), ebss: word("ebss"),
		}
		n.gcdata = m.mask(word("gcdata"), n.edata-n.data)
		n.gcbss = m.mask(word("gcbss"), n.ebss-n.bss)
		if _, walks := fields["typedesclen"]; walks {
			n.walkTypes(word("typedesclen"), word("itaboffset"), word("itabsize"))
		} else {
			n.readTypes(part("typelinks"), part("itablinks"))
		}
		m.modules = append(m.modules, n)
		if len(m.modules) > 2 {
			panic(mismatch{"more than two modules"})
		}
		addr = word("next")
	}
}

// readTypes reads the tables of types and itabs of a module.
func (n *module) readTypes(typelinks, itablinks slice) {
	for i := range typelinks.len {
		n.typelinks = append(n.typelinks, n.types+uint64(int64(int32(n.image.u32(typelinks.addr+4*i)))))
	}
	n.itabs = n.image.words(itablinks)
}

// walkTypes walks over the types and itabs of a module, as the runtime does since Go 1.27
// (moduleTypelinks in type.go, addModuleItabs in iface.go).
func (n *module) walkTypes(typesSize, itabs, itabsSize uint64) {
	for at := n.types + 8; at < n.types+typesSize; {
		at = (at + 7) &^ 7
		n.typelinks = append(n.typelinks, at)
		at += n.image.descriptorSize(at)
	}
	for at := n.types + itabs; at < n.types+itabs+itabsSize; {
		n.itabs = append(n.itabs, at)
		at += n.image.itabSize(at)
	}
}

// descriptorSize returns the size of a type descriptor, see abi.Type.DescriptorSize of Go 1.27.
func (m *image) descriptorSize(t uint64) uint64 {
	size, more := uint64(48), uint64(0) // abi.Type
	fields := m.at(t + size)
	count := func(offset int) uint64 { return binary.LittleEndian.Uint64(fields[offset:]) }
	switch abi.Kind(m.at(t + 23)[0]) {
	case abi.Array:
		size += 24
	case abi.Chan:
		size += 16
	case abi.Func:
		in, out := binary.LittleEndian.Uint16(fields), binary.LittleEndian.Uint16(fields[2:])&0x7fff // without the flag for ...
		size, more = size+8, 8*(uint64(in)+uint64(out))
	case abi.Interface:
		size, more = size+32, 8*count(16)
	case abi.Map:
		size += 88
	case abi.Pointer, abi.Slice:
		size += 8
	case abi.Struct:
		size, more = size+32, 24*count(16)
	}
	if uncommon := abi.TFlag(m.at(t + 20)[0])&abi.TFlagUncommon != 0; uncommon {
		methods := binary.LittleEndian.Uint16(m.at(t + size + 4))
		size += 16 + 16*uint64(methods)
	}
	return size + more
}

// itabSize returns the size of an itab, see abi.ITab.Size of Go 1.27.
func (m *image) itabSize(itab uint64) uint64 {
	const size = 32 // with one method
	methods := m.u64(m.u64(itab) + 64)
	if noMethods := m.u64(itab+24) == 0; noMethods {
		return size
	}
	return size + 8*(methods-1)
}

// mask runs a GC program, as the runtime does (runGCProg in mbitmap.go), for memory of a size.
func (m *image) mask(prog, size uint64) []byte {
	bits := make([]byte, 0, size/8)
	if size == 0 {
		return bits
	}
	p := m.at(prog)
	varint := func() int {
		n, k := binary.Uvarint(p)
		p = p[k:]
		return int(n)
	}
	for {
		inst := p[0]
		p = p[1:]
		n := int(inst & 0x7f)
		switch {
		case inst == 0:
			return bits
		case inst&0x80 == 0: // n bits follow
			for i := range n {
				bits = append(bits, p[i/8]>>(i%8)&1)
			}
			p = p[(n+7)/8:]
		default: // the last n bits are repeated
			if n == 0 {
				n = varint()
			}
			for range varint() {
				bits = append(bits, bits[len(bits)-n:]...)
			}
		}
	}
}

// isPointer reports whether the garbage collector takes the word at an address for a pointer.
func (m *image) isPointer(addr uint64) bool {
	bit := func(mask []byte, start, end uint64) bool {
		i := (addr - start) / 8
		return addr >= start && addr < end && i < uint64(len(mask)) && mask[i] != 0
	}
	for _, n := range m.modules {
		if bit(n.gcdata, n.data, n.edata) || bit(n.gcbss, n.bss, n.ebss) {
			return true
		}
	}
	return false
}

// moduleOfType returns the module that the runtime takes a type for one of.
func (m *image) moduleOfType(addr uint64) *module {
	for _, n := range m.modules {
		if addr >= n.types && addr < n.etypes {
			return n
		}
	}
	return nil
}

// function is what the runtime knows of a function: its _func.
type function struct {
	m     *module
	addr  uint64
	entry uint64
}

// function finds the function of a pc, as the runtime does (findfunc in symtab.go), and where it ends.
func (m *image) function(pc uint64) (f *function, end uint64) {
	for _, n := range m.modules {
		if pc < n.minpc || pc >= n.maxpc {
			continue
		}
		const subbuckets = 16
		x := pc - n.minpc
		bucket := n.findfunctab + x/abi.FuncTabBucketSize*(4+subbuckets)
		sub := m.at(bucket + 4 + x%abi.FuncTabBucketSize/(abi.FuncTabBucketSize/subbuckets))[0]
		i := uint64(m.u32(bucket)) + uint64(sub)
		start := func(i uint64) uint64 { return n.text + uint64(m.u32(n.ftab.addr+8*i)) }
		if start(i) > pc {
			return nil, 0
		}
		for i+1 < n.ftab.len && start(i+1) <= pc {
			i++
		}
		f = &function{m: n, addr: n.pclntable.addr + uint64(m.u32(n.ftab.addr+8*i+4))}
		f.entry = n.text + uint64(f.u32(0))
		return f, start(i + 1)
	}
	return nil, 0
}

func (f *function) u32(offset uint64) uint32 { return f.m.image.u32(f.addr + offset) }

func (f *function) name(offset uint32) string {
	return f.m.image.text(f.m.funcnametab.addr + uint64(offset))
}

// fixed is what a _func has of each function.
type fixed struct {
	name                    string
	args, deferreturn, line uint32
	tables                  uint32 // number of tables by pc
	funcID, flag            byte
}

func (f *function) fixed() fixed {
	last := f.m.image.at(f.addr + 40)
	return fixed{f.name(f.u32(4)), f.u32(8), f.u32(12), f.u32(36), f.u32(28), last[0], last[1]}
}

func (f *function) pcfile() uint32 { return f.u32(20) }

// tables returns the offsets of the tables by pc: pcsp, pcfile, pcln and those of the compiler.
func (f *function) tables() (offsets []uint32) {
	offsets = append(offsets, f.u32(16), f.u32(20), f.u32(24))
	for i := range uint64(f.u32(28)) {
		offsets = append(offsets, f.u32(44+4*i))
	}
	return offsets
}

// funcdata returns the offsets of the funcdata.
func (f *function) funcdata() (offsets []uint32) {
	for i := range uint64(f.m.image.at(f.addr + 43)[0]) {
		offsets = append(offsets, f.u32(44+4*uint64(f.u32(28))+4*i))
	}
	return offsets
}

// table returns the content of a table by pc: pairs of differences, to the value 0 at its end.
func (f *function) table(offset uint32) []byte {
	if offset == 0 {
		return nil
	}
	p := f.m.image.at(f.m.pctab.addr + uint64(offset))
	for i := 0; ; {
		value, n := binary.Uvarint(p[i:])
		if value == 0 && i > 0 {
			return p[:i+1]
		}
		i += n
		_, n = binary.Uvarint(p[i:])
		i += n
	}
}

// values returns the values in a table by pc, and how far each of them applies.
func values(table []byte) (values []int32, pcs []uint64) {
	value := int32(-1)
	for p := table; len(p) > 1; {
		d, n := binary.Uvarint(p)
		pc, k := binary.Uvarint(p[n:])
		p = p[n+k:]
		value += int32(uint32(d)>>1) ^ -int32(d&1)
		values, pcs = append(values, value), append(pcs, pc)
	}
	return values, pcs
}

// file returns the name of a file of the function's compilation unit.
func (f *function) file(n int32) string {
	offset := f.m.image.u32(f.m.cutab.addr + 4*(uint64(f.u32(32))+uint64(n)))
	if offset == ^uint32(0) {
		return ""
	}
	return f.m.image.text(f.m.filetab.addr + uint64(offset))
}

// inlinedCall is a function that is inlined into another one.
type inlinedCall struct {
	funcID   byte
	name     string
	parentPC uint32
	line     uint32
}

func (f *function) inlined(n int) (calls []inlinedCall) {
	tree := f.m.gofunc + uint64(f.funcdata()[abi.FUNCDATA_InlTree])
	for i := range uint64(n) {
		at := tree + 16*i
		calls = append(calls, inlinedCall{f.m.image.at(at)[0], f.name(f.m.image.u32(at + 4)), f.m.image.u32(at + 8), f.m.image.u32(at + 12)})
	}
	return calls
}
