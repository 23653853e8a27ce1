package loader

import (
	"cmd/internal/objabi"
	"cmd/link/internal/sym"
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"syscall"
	"unsafe"
)

// snapshotMagic is the begin of a snapshot. It changes with the format.
const snapshotMagic = 0x31746c6564736874

// snapshot is what a delta link needs to know about the link of the base. Its
// tables are views of a mapped file.
type snapshot struct {
	*SnapshotHeader
	records  []record
	packages []pkgRecord
	objects  []objectRecord
	// definitions has, for each definition of each object, the ID of its record; 0 if there is none.
	definitions []uint32
	index       []uint32 // hash table of the IDs of the records that have a key
	Sites       []Site
	openSites   []openSite // by target
	Tasks       []Task
	taskDeps    []stringRef
	ifaces      []uint64 // hashes of the interface methods that the base calls
	generics    []uint64 // hashes of the method names that the base looks up
	pruned      []prunedMethod
	staleItabs  []uint64 // addresses of the itabs that only hot objects define
	text        []byte   // the strings
	packageAt   map[string]uint32
}

// SnapshotHeader begins a snapshot.
type SnapshotHeader struct {
	Magic uint64
	Size  uint64 // of the snapshot

	Text, Rodata             uint64 // values of runtime.text and runtime.rodata
	Types, EndOfTypes        uint64 // values of runtime.types and runtime.etypes
	ModuleData, LastModule   uint64 // addresses of runtime.firstmoduledata and .lastmoduledatap
	ModuleDataSize           uint64
	End                      uint64 // value of runtime.end
	CallsMethodsByReflection uint64 // 1 if the base keeps all exported methods

	Records, Packages, Objects, Definitions, Index, AllSites, OpenSites, AllTasks, TaskDeps,
	Ifaces, Generics, Pruned, StaleItabs, Strings section
}

// section is a table of a snapshot.
type section struct{ Offset, Count uint64 }

type stringRef struct{ offset, length uint32 }

// record tells about a symbol that a cold object defines. Its ID is its index plus one.
type record struct {
	addr   uint64 // 0 if the base lacks the symbol
	name   stringRef
	size   uint32
	object uint32 // index of the object with the definition
	local  uint32 // index of the symbol in the object
	line   int32  // of the start of a function; -1 for other symbols
	stack  int16  // how much stack a function needs without a check, see doStackCheck
	flags  uint16
	kind   sym.SymKind
	space  uint8 // in which the name is unique
	funcID uint8
}

// Spaces of names. Those of Go symbols are the versions of the linker.
const (
	spaceABI0 = iota
	spaceABIInternal
	spaceHash   // the name is a content hash
	spaceStatic // the name is not unique
)

// Flags of a record.
const (
	inBase        = 1 << iota // the base has the symbol
	usedInIface               // the base uses the type in interfaces
	lossless                  // using the type in interfaces needs nothing that the base lacks
	goType                    // the symbol is a type descriptor
	itab                      // the symbol is an itab
	dupOK                     // other objects may define the symbol, too
	hasContent                // the definition is more than a size
	hotDefinition             // the base has a definition of a hot object instead
	noLinkname                // other packages may not refer to the symbol by linkname
)

func (r *record) has(flag uint16) bool { return r.flags&flag != 0 }

func (r *record) set(flag uint16, to bool) {
	if r.flags &^= flag; to {
		r.flags |= flag
	}
}

// pkgRecord tells about a package. Hot packages have no objects here.
type pkgRecord struct {
	path, file  stringRef // the path as in object files
	fingerprint [8]byte
	object      uint32 // the first one
	objects     uint32
	hot         uint8
	coldImport  uint8 // a cold package imports it
	_           [2]byte
}

type objectRecord struct {
	pkg         uint32
	definition  uint32 // index in definitions of the first definition
	definitions uint32
	hashed      [2]uint32 // range of the content-addressable ones
}

// Site is a place of a cold symbol in the base that names a symbol of a hot package.
type Site struct {
	Addr   uint64
	Add    int64
	target stringRef
	Type   uint16 // an objabi.RelocType
	Size   uint8  // 0: the target is needed, but there is nothing to patch
	ABI    uint8
	// Stack is the stack height of the target if the site is a call in a nosplit function; else -1.
	Stack       int16
	UsedInIface bool // the base uses the target in interfaces
	_           uint8
}

// openSite is a place of a cold symbol in the base that was left open since the
// base does not need the target, a cold symbol.
type openSite struct {
	addr   uint64
	add    int64
	target uint32 // ID of the record
	typ    uint16
	size   uint8
	_      uint8
}

// Task is the init task of a package.
type Task struct {
	name      stringRef
	dep, deps uint32 // range of taskDeps
	record    uint32 // ID; 0 if the package is hot
	runs      uint8  // 1 if it has functions to call
	_         [3]byte
}

// prunedMethod is a method of a cold type that the base lacks.
type prunedMethod struct {
	signature, name uint64 // hashes
	typ             uint32 // ID of the record
	exported        uint32
}

// hashOf returns a hash of strings (FNV-1a).
func hashOf(texts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, text := range texts {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211 // in no UTF-8 text
	}
	return h
}

// hashKey is the key of a content-addressable symbol in the space spaceHash.
func hashKey(r *oReader, i uint32) string {
	if i -= uint32(r.ndef); i < uint32(r.nhashed64def) {
		return string(binary.LittleEndian.AppendUint64(nil, r.Hash64(i)))
	}
	return string(r.Hash(i - uint32(r.nhashed64def))[:])
}

// isHashed reports whether a definition is content-addressable.
func (r *oReader) isHashed(i uint32) bool {
	return int(i) >= r.ndef && int(i) < r.ndef+r.nhashed64def+r.nhasheddef
}

// GiveUp ends the process. The caller links in another way.
func GiveUp(format string, args ...any) { exit(3, format, args...) }

// NeverHot ends the process, since a package can't be hot.
func NeverHot(pkg, why string) { exit(4, "%s %s", pkg, why) }

func exit(code int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(code)
}

// bytesOf returns the memory of a table.
func bytesOf[T any](table []T) []byte {
	if len(table) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&table[0])), len(table)*int(unsafe.Sizeof(table[0])))
}

// tableOf returns a table of a snapshot.
func tableOf[T any](file []byte, s section) []T {
	if s.Count == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&file[s.Offset])), int(s.Count))
}

// write writes the snapshot into a file.
func (s *snapshot) write(file string) error {
	h := s.SnapshotHeader
	size := uint64(unsafe.Sizeof(*h))
	var parts [][]byte
	place := func(to *section, count int, content []byte) {
		padding := -size & 7
		parts = append(parts, make([]byte, padding), content)
		*to = section{size + padding, uint64(count)}
		size += padding + uint64(len(content))
	}
	place(&h.Records, len(s.records), bytesOf(s.records))
	place(&h.Packages, len(s.packages), bytesOf(s.packages))
	place(&h.Objects, len(s.objects), bytesOf(s.objects))
	place(&h.Definitions, len(s.definitions), bytesOf(s.definitions))
	place(&h.Index, len(s.index), bytesOf(s.index))
	place(&h.AllSites, len(s.Sites), bytesOf(s.Sites))
	place(&h.OpenSites, len(s.openSites), bytesOf(s.openSites))
	place(&h.AllTasks, len(s.Tasks), bytesOf(s.Tasks))
	place(&h.TaskDeps, len(s.taskDeps), bytesOf(s.taskDeps))
	place(&h.Ifaces, len(s.ifaces), bytesOf(s.ifaces))
	place(&h.Generics, len(s.generics), bytesOf(s.generics))
	place(&h.Pruned, len(s.pruned), bytesOf(s.pruned))
	place(&h.StaleItabs, len(s.staleItabs), bytesOf(s.staleItabs))
	place(&h.Strings, len(s.text), s.text)
	h.Magic, h.Size = snapshotMagic, size
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	parts = slices.Insert(parts, 0, bytesOf([]SnapshotHeader{*h}))
	for _, part := range parts {
		if _, err := out.Write(part); err != nil {
			out.Close()
			return err
		}
	}
	return out.Close()
}

// readSnapshot maps the snapshot of a file.
func readSnapshot(file string) (*snapshot, error) {
	content, err := mapFile(file)
	if err != nil {
		return nil, err
	}
	h := (*SnapshotHeader)(unsafe.Pointer(&content[0]))
	if len(content) < int(unsafe.Sizeof(*h)) || h.Magic != snapshotMagic || h.Size != uint64(len(content)) {
		return nil, fmt.Errorf("%s is not a whole snapshot", file)
	}
	s := &snapshot{
		SnapshotHeader: h,
		records:        tableOf[record](content, h.Records),
		packages:       tableOf[pkgRecord](content, h.Packages),
		objects:        tableOf[objectRecord](content, h.Objects),
		definitions:    tableOf[uint32](content, h.Definitions),
		index:          tableOf[uint32](content, h.Index),
		Sites:          tableOf[Site](content, h.AllSites),
		openSites:      tableOf[openSite](content, h.OpenSites),
		Tasks:          tableOf[Task](content, h.AllTasks),
		taskDeps:       tableOf[stringRef](content, h.TaskDeps),
		ifaces:         tableOf[uint64](content, h.Ifaces),
		generics:       tableOf[uint64](content, h.Generics),
		pruned:         tableOf[prunedMethod](content, h.Pruned),
		staleItabs:     tableOf[uint64](content, h.StaleItabs),
		text:           tableOf[byte](content, h.Strings),
		packageAt:      make(map[string]uint32, h.Packages.Count),
	}
	for i, p := range s.packages {
		s.packageAt[s.string(p.path)] = uint32(i)
	}
	return s, nil
}

func mapFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
}

func (s *snapshot) string(ref stringRef) string {
	if ref.length == 0 {
		return ""
	}
	return unsafe.String(&s.text[ref.offset], int(ref.length))
}

// add adds a string.
func (s *snapshot) add(text string) stringRef {
	ref := stringRef{uint32(len(s.text)), uint32(len(text))}
	s.text = append(s.text, text...)
	return ref
}

func keyHash(key string, space uint8) uint32 {
	h := uint32(2166136261) ^ uint32(space)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return h
}

// makeIndex makes the hash table of the records with unique names.
func (s *snapshot) makeIndex() {
	size := 1
	for size < 2*len(s.records) {
		size *= 2
	}
	s.index = make([]uint32, size)
	for i := range s.records {
		r := &s.records[i]
		if r.space == spaceStatic {
			continue
		}
		for h := keyHash(s.string(r.name), r.space); ; h++ {
			if slot := &s.index[h&uint32(size-1)]; *slot == 0 {
				*slot = uint32(i) + 1
				break
			}
		}
	}
}

// find returns the ID of the record with a name; 0 if there is none.
func (s *snapshot) find(name string, space uint8) uint32 {
	mask := uint32(len(s.index) - 1)
	for h := keyHash(name, space); ; h++ {
		id := s.index[h&mask]
		if id == 0 {
			return 0
		}
		if r := s.record(id); r.space == space && s.string(r.name) == name {
			return id
		}
	}
}

func (s *snapshot) record(id uint32) *record { return &s.records[id-1] }

// pkgOf returns the package of a record.
func (s *snapshot) pkgOf(r *record) *pkgRecord { return &s.packages[s.objects[r.object].pkg] }

// pkg returns a package by its import path; nil if the base has no such package.
func (s *snapshot) pkg(path string) *pkgRecord {
	i, ok := s.packageAt[objabi.PathToPrefix(path)]
	if !ok {
		return nil
	}
	return &s.packages[i]
}

// withSignature returns the methods that the base lacks and that have a signature.
func (s *snapshot) withSignature(signature uint64) []prunedMethod {
	from, _ := slices.BinarySearchFunc(s.pruned, signature, func(m prunedMethod, h uint64) int { return cmp.Compare(m.signature, h) })
	to := from
	for to < len(s.pruned) && s.pruned[to].signature == signature {
		to++
	}
	return s.pruned[from:to]
}
