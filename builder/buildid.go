package builder

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// errArchive says that a file is a library: that is what `go build -o` writes, without a
// word, for a package that is not main.
var errArchive = errors.New("an archive, not a program")

// textHead is how far into a file, or into its program text, the go command looks for the
// ID, in bytes.
const textHead = 32 << 10

// readBuildID returns the last of the four fields of a program's Go build ID, the hash of
// its content, as cmd/internal/buildid reads it; "" if it has no such ID.
func readBuildID(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, textHead)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("reading the build ID of %s: %w", name, err)
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("!<arch>\n")) {
		return "", errArchive
	}
	id := textBuildID(head)
	switch {
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		id = noteBuildID(f)
	case id == nil && bytes.HasPrefix(head, []byte("\xcf\xfa\xed\xfe")):
		id = machoBuildID(f)
	}
	return string(id[bytes.LastIndexByte(id, '/')+1:]), nil
}

// noteBuildID finds the ID in the note of an ELF file: three lengths and types of four
// bytes, the name "Go\x00\x00", the ID.
func noteBuildID(f io.ReaderAt) []byte {
	file, err := elf.NewFile(f)
	if err != nil {
		return nil
	}
	section := file.Section(".note.go.buildid")
	if section == nil {
		return nil
	}
	note, err := section.Data()
	if err != nil || len(note) < 16 || string(note[12:16]) != "Go\x00\x00" {
		return nil
	}
	id := note[16:]
	return id[:min(uint64(len(id)), uint64(file.ByteOrder.Uint32(note[4:])))]
}

// machoBuildID finds the ID in a Mach-O file whose program text begins further down.
func machoBuildID(f io.ReaderAt) []byte {
	file, err := macho.NewFile(f)
	if err != nil {
		return nil
	}
	text := file.Section("__text")
	if text == nil {
		return nil
	}
	head := make([]byte, textHead)
	n, _ := f.ReadAt(head, int64(text.Offset)) // less at the end of the file
	return textBuildID(head[:n])
}

// textBuildID finds the ID at the start of the program text, where it is in files that
// have no notes.
func textBuildID(head []byte) []byte {
	_, rest, found := bytes.Cut(head, []byte("\xff Go build ID: "))
	quoted, _, ended := bytes.Cut(rest, []byte("\n \xff"))
	id, err := strconv.Unquote(string(quoted))
	if !found || !ended || err != nil {
		return nil
	}
	return []byte(id)
}
