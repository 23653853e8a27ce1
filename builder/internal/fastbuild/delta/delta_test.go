package delta

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// linkers is a directory for the linkers of all tests.
var linkers string

func TestMain(m *testing.M) {
	var err error
	if linkers, err = os.MkdirTemp("", "linkers-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(linkers)
	os.Exit(code)
}

// project is a program that is edited and linked with a Linker.
type project struct {
	*testing.T
	*Linker
	dir     string
	cgo     string // value of CGO_ENABLED; "" is 0
	command *linktool.Command

	// Archives that compile takes as they were. The go command compiles those packages again
	// that import an edited one, also if its exports are the same.
	cold map[string]string
}

const (
	firstID  = "a/b/c/d"
	secondID = "e/f/g/h"
)

func newProject(t *testing.T, archive string) *project {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	l := New(linktool.Options{GOROOT: strings.TrimSpace(string(out)), Env: os.Environ(), CacheDir: linkers, Dir: t.TempDir()})
	t.Cleanup(l.Close)
	l.Prepare(t.Context())
	if errors.Is(l.off, linktool.ErrUntested) {
		t.Skip(l.off)
	}
	if l.off != nil {
		t.Fatal(l.off)
	}
	p := &project{T: t, Linker: l, dir: buildtest.Project(t, archive)}
	p.command = &linktool.Command{
		Flags: []string{"-s", "-w", "-buildmode=exe", "-buildid=" + firstID, "-X", "main.version=1", "-X=example.com/m/cold.Version=2"},
		Dir:   p.dir, Env: os.Environ(), Main: "example.com/m", Config: linktool.Config,
	}
	return p
}

// edit replaces a text of a file.
func (p *project) edit(name, old, new string) {
	p.Helper()
	file := filepath.Join(p.dir, name)
	content, err := os.ReadFile(file)
	if err != nil || strings.Count(string(content), old) != 1 {
		p.Fatalf("%q is not once in %s: %v", old, name, err)
	}
	buildtest.Write(p, file, strings.Replace(string(content), old, new, 1))
}

// compile returns the archives of the program.
func (p *project) compile() map[string]string {
	p.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{with .Export}}{{$.ImportPath}} {{.}}{{end}}", ".")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cmp.Or(p.cgo, "0"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		p.Fatalf("%v: %s", err, &errs)
	}
	archives := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			archives[path] = file
		}
	}
	for path := range archives {
		archives[path] = cmp.Or(p.cold[path], archives[path])
	}
	return archives
}

// warm links a base of the program as it is, if that is necessary.
func (p *project) warm() {
	p.Helper()
	if err := p.Warm(p.Context(), p.command, p.compile()); err != nil {
		p.Fatal(err)
	}
}

// link links a delta for the program as it is, and returns what the program prints.
func (p *project) link() (output string, err error) {
	p.Helper()
	program := filepath.Join(p.TempDir(), "program")
	if err := p.Link(p.Context(), p.command, p.compile(), secondID, program); err != nil {
		if _, exists := os.Stat(program); exists == nil {
			p.Error("there is a program, and an error")
		}
		return "", err
	}
	content, err := os.ReadFile(program)
	if err != nil || !bytes.Contains(content[:4096], []byte(secondID)) || bytes.Contains(content[:4096], []byte(firstID)) {
		p.Errorf("the program does not have its build ID: %v", err)
	}
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		p.Fatalf("%v: %s", err, out)
	}
	return string(out), nil
}

// mustPrint links a delta and checks what the program prints.
func (p *project) mustPrint(want string) {
	p.Helper()
	got, err := p.link()
	if err != nil {
		p.Fatal(err)
	}
	if got != want {
		p.Errorf("the program prints %q, want %q", got, want)
	}
}

// mustGiveUp checks that a delta can't be linked, for a reason.
func (p *project) mustGiveUp(reason string) {
	p.Helper()
	if _, err := p.link(); !errors.Is(err, errGaveUp) || !strings.Contains(err.Error(), reason) {
		p.Errorf("error %v, want %q", err, reason)
	}
}

const program = `
-- go.mod --
module example.com/m

go 1.24
-- main.go --
package main

import (
	"fmt"

	"example.com/m/asm"
	"example.com/m/cold"
	"example.com/m/lib"
)

var version = "none"

func main() { fmt.Println("first", version, cold.Version, lib.Text(), cold.Twice(), asm.Two()) }
-- lib/lib.go --
package lib

func Text() string { return "lib" }
-- cold/cold.go --
package cold

import "example.com/m/lib"

var Version = "none"

//go:noinline
func Twice() string { return lib.Text() + lib.Text() }
-- asm/asm.go --
package asm

func Two() int

var Text = "asm"
-- asm/asm_amd64.s --
#include "textflag.h"

TEXT ·Two(SB), NOSPLIT, $0-8
	MOVQ $2, ret+0(FP)
	RET
`

func TestLink(t *testing.T) {
	p := newProject(t, program)
	if _, err := p.link(); !errors.Is(err, errNoBase) {
		t.Errorf("before the first base: %v", err)
	}
	p.warm()
	p.edit("main.go", `"first"`, `"second"`)
	p.mustPrint("second 1 2 lib liblib 2\n")
	p.edit("main.go", `"second"`, `fmt.Sprintf("%03d", len(version))`)
	p.mustPrint("001 1 2 lib liblib 2\n") // without a copy that was made before

	p.edit("lib/lib.go", `return "lib"`, "return\n\t\"hot\"")
	p.edit("lib/lib.go", "return\n\t\"hot\"", "s := \"hot\"; return s")
	p.mustGiveUp("example.com/m/")
	p.warm() // lib and all that inline it are hot now
	p.edit("lib/lib.go", `"hot"`, `"hotter"`)
	p.mustPrint("001 1 2 hotter hotterhotter 2\n")
}

// A delta has no symbols for tools, so a program that is to have them is linked in another way.
func TestSymbols(t *testing.T) {
	p := newProject(t, program)
	c := *p.command
	c.Flags = slices.DeleteFunc(slices.Clone(c.Flags), func(flag string) bool { return flag == "-s" })
	if err := p.Warm(t.Context(), &c, p.compile()); !errors.Is(err, linktool.ErrUntested) {
		t.Errorf("Warm without -s: %v", err)
	}
	_, _ = p.link()
	if _, reason := p.State(); !errors.Is(reason, linktool.ErrUntested) {
		t.Errorf("after a link: %v", reason)
	}
}

func TestNewImport(t *testing.T) {
	p := newProject(t, program)
	p.warm()
	p.edit("main.go", `"fmt"`, "\"fmt\"\n\t\"text/tabwriter\"")
	p.edit("main.go", "func main() {", "func main() {\n\t_ = tabwriter.Debug\n")
	p.mustGiveUp("text/tabwriter is new")
	p.warm()
	p.mustPrint("first 1 2 lib liblib 2\n")
}

// An edited package with assembly is linked in another way; others still by delta.
func TestAssembly(t *testing.T) {
	buildtest.Long(t)
	p := newProject(t, program)
	p.warm()
	p.edit("asm/asm.go", `"asm"`, `"text"`)
	p.mustGiveUp("example.com/m/asm was not edited before")
	p.warm()
	p.edit("asm/asm.go", `"text"`, `"other"`)
	p.mustGiveUp("example.com/m/asm was not edited before")
	p.edit("asm/asm.go", `"other"`, `"text"`)
	p.edit("main.go", `"first"`, `"second"`)
	p.mustPrint("second 1 2 lib liblib 2\n")
}

func TestClose(t *testing.T) {
	p := newProject(t, program)
	p.warm()
	p.Close()
	if _, err := p.link(); !errors.Is(err, errNoBase) {
		t.Errorf("after Close: %v", err)
	}
	if err := p.Warm(t.Context(), p.command, p.compile()); !errors.Is(err, errClosed) {
		t.Errorf("Warm after Close: %v", err)
	}
	if entries, err := os.ReadDir(p.Dir); err != nil || len(entries) > 0 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// After a link that gives up, the next base is one of the program that is served.
func TestNextBase(t *testing.T) {
	p := newProject(t, program)
	p.warm()
	p.noteFailure(fmt.Errorf("%w: for a test", errGaveUp), false)
	first := p.base
	p.warm()
	if p.base == first {
		t.Error("the base is the one that failed")
	}
	if entries, _ := os.ReadDir(p.Dir); len(entries) != 1 {
		t.Errorf("%d bases are kept", len(entries))
	}
}
