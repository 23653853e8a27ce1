package direct

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// exported returns what of an archive the compilation of another package reads: the part
// __.PKGDEF, without the build ID. The archive must be as the compiler has left it, with
// nothing in it that is from an assembler or a C compiler.
func exported(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	members, err := members(content)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(members) != 2 || members[0].name != "__.PKGDEF" || members[1].name != "_go_.o" {
		return nil, fmt.Errorf("reading %s: not by the compiler alone", name)
	}
	return withoutBuildID(members[0].data)
}

// withoutBuildID removes the line "build id ID" of the header, which comes before the
// line "$$B".
func withoutBuildID(data []byte) ([]byte, error) {
	header, exports, ok := bytes.Cut(data, []byte("\n$$B\n"))
	if !ok || !bytes.HasPrefix(header, []byte("go object ")) {
		return nil, fmt.Errorf("unlike what the compiler exports")
	}
	var kept []byte
	for line := range bytes.Lines(header) {
		if !bytes.HasPrefix(line, []byte("build id ")) {
			kept = append(kept, line...)
		}
	}
	return append(kept, exports...), nil
}

type member struct {
	name string
	data []byte
}

// members reads an archive of the kind that ar(1) makes: headers of 60 bytes, in them the
// name in 16 and the size in the 10 before the last two; what follows is padded to 2.
func members(content []byte) (found []member, err error) {
	rest, ok := bytes.CutPrefix(content, []byte("!<arch>\n"))
	if !ok {
		return nil, fmt.Errorf("not an archive")
	}
	for len(rest) > 0 {
		if len(rest) < 60 {
			return nil, fmt.Errorf("cut short")
		}
		size, err := strconv.Atoi(string(bytes.TrimSpace(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-60 {
			return nil, fmt.Errorf("a member of %q bytes", rest[48:58])
		}
		found = append(found, member{string(bytes.TrimSpace(rest[:16])), rest[60 : 60+size]})
		rest = rest[min(60+size+size%2, len(rest)):]
	}
	return found, nil
}
