package direct

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// stamp ends a link as the go command does (cmd/internal/buildid): it writes the hash of
// the program's content into the last field of its build ID. The program was linked with
// this ID; where the user has set another one, there is nothing to write. The ID of the
// host, a note that the linker derives from the build ID, does not count as content.
func stamp(name, id string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
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
