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

// noteID finds the ID in the note of an ELF file: three lengths and types of four bytes, the
// name "Go\x00\x00", the ID.
func noteID(f io.ReaderAt) []byte {
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
	return bytes.TrimRight(note[16:], "\x00")
}

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
