package replay

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
)

// exportData returns the part of an archive that the compiler reads for an import: the member
// __.PKGDEF, without the build ID. It refuses an archive to which an assembler or a C compiler
// has added something.
func exportData(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	members, err := members(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(members) != 2 || members[0].name != "__.PKGDEF" || members[1].name != "_go_.o" {
		return nil, fmt.Errorf("reading %s: not an archive of the compiler alone", name)
	}
	return withoutBuildID(members[0].data)
}

// withoutBuildID removes the line "build id ID" of the header, which ends before the line "$$B".
func withoutBuildID(data []byte) ([]byte, error) {
	header, exports, ok := bytes.Cut(data, []byte("\n$$B\n"))
	if !ok || !bytes.HasPrefix(header, []byte("go object ")) {
		return nil, fmt.Errorf("unknown format of export data")
	}
	var kept []byte
	for line := range bytes.Lines(header) {
		if !bytes.HasPrefix(line, []byte("build id ")) {
			kept = append(kept, line...)
		}
	}
	return append(kept, exports...), nil
}

// archiveSum returns a hash of an archive without its build ID, which depends on the command that
// has compiled it, and not only on the result. The compiler writes the ID into each member's header.
func archiveSum(name string) (sum [32]byte, err error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return sum, err
	}
	_, rest, _ := bytes.Cut(content[:min(len(content), headerLimit)], []byte("\nbuild id \""))
	id, _, _ := bytes.Cut(rest, []byte("\"\n"))
	hash := sha256.New()
	if len(id) == 0 {
		hash.Write(content)
	} else {
		for _, part := range bytes.Split(content, id) {
			fmt.Fprintln(hash, len(part))
			hash.Write(part)
		}
	}
	return [32]byte(hash.Sum(nil)), nil
}

// headerLimit is the size of the part of an archive that has the build ID, in bytes.
const headerLimit = 1 << 10

type member struct {
	name string
	data []byte
}

// members reads an archive of the format of ar(1). The header of a member has 60 bytes: the name
// in the first 16, the size in the 10 before the last two. The data is padded to an even size.
func members(content []byte) (found []member, err error) {
	rest, ok := bytes.CutPrefix(content, []byte("!<arch>\n"))
	if !ok {
		return nil, fmt.Errorf("not an archive")
	}
	for len(rest) > 0 {
		if len(rest) < 60 {
			return nil, fmt.Errorf("truncated")
		}
		size, err := strconv.Atoi(string(bytes.TrimSpace(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-60 {
			return nil, fmt.Errorf("invalid size of a member: %q", rest[48:58])
		}
		found = append(found, member{string(bytes.TrimSpace(rest[:16])), rest[60 : 60+size]})
		rest = rest[min(60+size+size%2, len(rest)):]
	}
	return found, nil
}
