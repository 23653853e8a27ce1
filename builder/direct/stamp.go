package direct

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

// stamp ends a link as the go command does (cmd/internal/buildid): it writes the hash of
// the program's content into the last field of its build ID. The program was linked with
// this ID; where the user has set another one, there is nothing to write. The ID of the
// host, a note that the linker derives from the build ID, does not count as content.
func stamp(name, id string) error {
	content, err := mapped(name)
	if err != nil {
		return err
	}
	defer syscall.Munmap(content)
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if note := file.Section(".note.gnu.build-id"); note != nil {
		if note.Size < 16 || note.Offset+note.Size > uint64(len(content)) {
			return fmt.Errorf("reading %s: its build ID of the host is cut short", name)
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
	return rewrite(name, id, shortHash(sha256.Sum256(content)), places)
}

// mapped is the content of a file in memory that is not the heap's, which would keep the
// size of the largest program. What is written there is not written to the file.
func mapped(name string) ([]byte, error) {
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

// rewrite writes another last field into each place of an ID.
func rewrite(name, id, last string, places []int) error {
	if len(places) == 0 {
		return nil
	}
	field := strings.LastIndexByte(id, '/') + 1
	if len(id)-field != len(last) {
		return fmt.Errorf("stamping %s: unlike a build ID: %q", name, id)
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

// shortHash writes a hash as the fields of build IDs are written.
func shortHash(sum [32]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:15]) }
