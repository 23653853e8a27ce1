package delta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// verified is a program with marks to find its parts in a file: a number in the code of a function, and a text.
const verified = buildtest.Module + `
-- main.go --
package main

import (
	"fmt"

	"example.com/m/cold"
	"example.com/m/lib"
)

type first struct{ n uint64 }

func (f first) Mark() uint64 { return f.n }

func main() { fmt.Println(cold.Both(), lib.Text(), cold.Marker(first{1}).Mark(), cold.Wide()) }
-- lib/lib.go --
package lib

//go:noinline
func Text() string { return "lib" }
-- cold/cold.go --
package cold

import "example.com/m/lib"

type Marker interface{ Mark() uint64 }

//go:noinline
func Mark(n uint64) uint64 { return n ^ 0x5a3c1e0f78692b4d }

func Both() string { return lib.Text() + lib.Text() }

type wide struct{}

func (wide) Rare(map[string][3]int8) {}

//go:noinline
func Wide() any { return wide{} }
`

// Each change of a delta is found: each byte of the program that is not what it should be.
func TestVerify(t *testing.T) {
	p := newProject(t, verified)
	archives := p.compile()
	if err := p.Verify(t.Context(), p.command, archives); !errors.Is(err, errNotLast) {
		t.Errorf("before a link: %v", err)
	}
	p.NoteEdited([]string{"example.com/m/lib"})
	p.edit("lib/lib.go", `"lib"`, `"a text of lib"`)
	before := p.compile()
	keepSame(archives, before) // so lib becomes hot, but not cold
	if err := p.Warm(t.Context(), p.command, before); err != nil {
		t.Fatal(err)
	}
	p.edit("lib/lib.go", `"a text of lib"`, `"a longer text of lib"`)
	p.edit("main.go", "func main() {", "var later = cold.Mark(0x2b4d5a3c1e0f7869)\n\ntype second struct{ first }\n\nfunc init() { later++ }\n\nfunc main() {\n\tfmt.Println(cold.Marker(second{}).Mark(), later, second{})\n\tcold.Wide().(interface{ Rare(map[string][3]int8) }).Rare(nil)\n")
	archives = p.compile()
	keepSame(before, archives)
	output := filepath.Join(t.TempDir(), "program")
	if err := p.Link(t.Context(), p.command, archives, secondID, output); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), p.command, archives); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile(p.base.file("base"))
	if err != nil {
		t.Fatal(err)
	}
	find := func(mark string) int {
		t.Helper()
		if n := bytes.Count(program, []byte(mark)); n != 1 {
			t.Fatalf("%q is %d times in the program", mark, n)
		}
		return bytes.Index(program, []byte(mark))
	}
	mutants := map[string]func([]byte){
		"code of a package that was not edited": func(b []byte) { b[find("\x4d\x2b\x69\x78\x0f\x1e\x3c\x5a")]++ },
		"code of an edited package":             func(b []byte) { b[find("\x69\x78\x0f\x1e\x3c\x5a\x4d\x2b")+2] ^= 0x10 },
		"a string":                              func(b []byte) { b[find("a longer text of lib")] = 'A' },
		"the name of a type":                    func(b []byte) { b[find("*main.second")+6]++ },
		"the name of a function":                func(b []byte) { b[find("main.init.0\x00")+6]++ },
	}
	// What the delta has changed in the base, each part as it was.
	for start := 4096; start < len(base); start++ {
		if base[start] == program[start] {
			continue
		}
		from := start &^ 3
		start = from + 3
		if value := binary.LittleEndian.Uint32(base[from:]); value == 0 || value == ^uint32(0) {
			continue // the base lacks what is referred to, and the program may do so, too
		}
		mutants[fmt.Sprintf("the base at %#x", from)] = func(b []byte) { copy(b[from:from+4], base[from:from+4]) }
	}
	t.Logf("%d mutants", len(mutants))
	if len(mutants) < 12 {
		t.Errorf("only %d mutants", len(mutants))
	}
	for name, change := range mutants {
		mutant := bytes.Clone(program)
		change(mutant)
		if err := os.WriteFile(output, mutant, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(t.Context(), p.command, archives); !errors.Is(err, ErrDiffers) {
			t.Errorf("%s: %v", name, err)
		} else {
			t.Logf("%s: %s", name, strings.TrimPrefix(err.Error(), ErrDiffers.Error()))
		}
	}
	if err := os.WriteFile(output, program, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), p.command, archives); err != nil {
		t.Error(err)
	}
	if err := os.Remove(output); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), p.command, archives); err != nil {
		t.Errorf("after the program was removed: %v", err)
	}
	if err := os.Remove(p.base.file("last")); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), p.command, archives); !errors.Is(err, errNotLast) {
		t.Errorf("without the program: %v", err)
	}
	if ready, reason := p.State(); reason != nil {
		t.Errorf("ready for the next edit: %v, %v", ready, reason)
	}
}

// A program that does not read memory profiles any more is the same, though the base collects them.
func TestVerifyMemoryProfiles(t *testing.T) {
	buildtest.Long(t)
	p := newProject(t, buildtest.Module+"-- main.go --\npackage main\n\nimport \"runtime\"\n\nfunc main() {\n\truntime.GC()\n\truntime.MemProfile(nil, true)\n}\n")
	p.warm()
	p.edit("main.go", "\truntime.MemProfile(nil, true)\n", "")
	archives := p.compile()
	if err := p.Link(t.Context(), p.command, archives, secondID, filepath.Join(t.TempDir(), "program")); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(t.Context(), p.command, archives); err != nil {
		t.Error(err)
	}
}
