package gotool

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// ErrArchive means that a file is a library. `go build -o` writes one, without an error, for
// a package that is not main.
var ErrArchive = errors.New("an archive, not a program")

// searchLimit is how far into a file the go command looks for the build ID, in bytes.
const searchLimit = 32 << 10

// ContentID returns the last of the four fields of a program's Go build ID, the hash of the
// program's content, as cmd/internal/buildid reads it. It is "" if the program has no such ID, and
// for some programs with cgo on macOS, whose text begins behind the limit.
func ContentID(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, searchLimit)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("reading the build ID of %s: %w", name, err)
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte("!<arch>\n")) {
		return "", ErrArchive
	}
	id := textID(head)
	if bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		id = noteID(f)
	}
	return string(id[bytes.LastIndexByte(id, '/')+1:]), nil
}

// noteID finds the ID in the notes of an ELF file. Programs that were linked by delta have program
// headers alone, so the sections are not asked. See elf(5) for the form of a note.
func noteID(f io.ReaderAt) []byte {
	file, err := elf.NewFile(f)
	if err != nil {
		return nil
	}
	for _, p := range file.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		notes, err := io.ReadAll(io.LimitReader(p.Open(), searchLimit))
		if err != nil {
			continue
		}
		for len(notes) >= 12 {
			order := file.ByteOrder
			name, size, kind := int(order.Uint32(notes)), int(order.Uint32(notes[4:])), order.Uint32(notes[8:])
			start := 12 + (name+3)&^3
			if name < 0 || size < 0 || start+size > len(notes) {
				break
			}
			if kind == goBuildID && string(notes[12:12+name]) == "Go\x00\x00" {
				return notes[start : start+size]
			}
			notes = notes[min(start+(size+3)&^3, len(notes)):]
		}
	}
	return nil
}

// goBuildID is the type of the note with the build ID.
const goBuildID = 4

// textID finds the ID at the start of the program text, where files without notes have it.
func textID(head []byte) []byte {
	_, rest, found := bytes.Cut(head, []byte("\xff Go build ID: "))
	quoted, _, ended := bytes.Cut(rest, []byte("\n \xff"))
	id, err := strconv.Unquote(string(quoted))
	if !found || !ended || err != nil {
		return nil
	}
	return []byte(id)
}
