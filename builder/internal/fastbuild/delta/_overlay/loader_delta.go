package loader

import (
	"cmd/internal/goobj"
	"cmd/internal/objabi"
	"cmd/link/internal/sym"
	"encoding/binary"
	"fmt"
	"os"
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

// cannotMove reports whether symbols of a kind must be where the base has those
// of this kind: their place in the program has a meaning.
func cannotMove(kind sym.SymKind) bool {
	switch kind {
	case sym.STEXTFIPS, sym.SRODATAFIPS, sym.SNOPTRDATAFIPS, sym.SDATAFIPS, sym.STLSBSS, sym.SCOVERAGE_COUNTER, sym.SCOVERAGE_AUXVAR, sym.SMODULEDATA:
		return true
	}
	return false
}
