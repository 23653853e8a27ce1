package replay

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// stamp completes a link as the go command does (cmd/internal/buildid): it writes the hash of
// the program's content into the last field of the build ID, with which the program was linked.
// It returns the field. The ID of the host, a note that the linker derives from the build ID, is
// not part of the hash.
func stamp(name, id string) (field string, err error) {
	content, err := mmap(name)
	if err != nil {
		return "", err
	}
	defer syscall.Munmap(content)
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", name, err)
	}
	if note := file.Section(".note.gnu.build-id"); note != nil {
		if note.Size < 16 || note.Offset+note.Size > uint64(len(content)) {
			return "", fmt.Errorf("reading %s: the build ID of the host is truncated", name)
		}
		clear(content[note.Offset+16 : note.Offset+note.Size])
	}
	var places []int
	for at := 0; ; {
		i := bytes.Index(content[at:], []byte(id))
		if i < 0 {
			break
		}
		at += i
		clear(content[at : at+len(id)])
		places = append(places, at)
	}
	field = shortHash(sha256.Sum256(content))
	return field, writeLastField(name, id, field, places)
}

// mmap maps a file into memory. On the heap, the content would let the heap grow to the size of
// the largest program. Changes are not written to the file.
func mmap(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	content, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: name, Err: err}
	}
	return content, nil
}

// writeLastField writes another last field of an ID at each place of the ID in a file.
func writeLastField(name, id, last string, places []int) error {
	if len(places) == 0 {
		return nil
	}
	field := strings.LastIndexByte(id, '/') + 1
	if len(id)-field != len(last) {
		return fmt.Errorf("stamping %s: unknown format of the build ID %q", name, id)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, at := range places {
		if _, err := f.WriteAt([]byte(last), int64(at+field)); err != nil {
			f.Close()
			return err
		}
	}
	return f.Close()
}

// shortHash encodes a hash like the fields of build IDs.
func shortHash(sum [32]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:15]) }
