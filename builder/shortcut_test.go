package builder

import (
	"bytes"
	"crypto/rand"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	Record()
	goleak.VerifyTestMain(m)
}

// session edits a project and builds it by the shortcut where that is open, as hotstart
// watch does, and compares each build with one of the go command.
type session struct {
	t     *testing.T
	b     *Builder
	plain *Builder // that never goes around the go command
	dir   string
	graph *Graph

	builds, direct, broken int
}

func newSession(t *testing.T, dir string, o Options) *session {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("nothing is built without the go command but on Linux")
	}
	s := &session{t: t, dir: dir, plain: builderIn(t, dir, o)}
	o.FastBuild = true
	s.b = builderIn(t, dir, o)
	s.list()
	s.edit(nil)
	return s
}

func (s *session) list() {
	s.t.Helper()
	for _, b := range []*Builder{s.plain, s.b} {
		var err error
		if s.graph, err = b.List(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *session) path(name string) string { return filepath.Join(s.dir, name) }

func (s *session) read(name string) string {
	s.t.Helper()
	content, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(content)
}

// edit writes files, or removes those that are to be empty, and builds. It reports
// whether that went without the go command.
func (s *session) edit(files map[string]string) bool {
	s.t.Helper()
	var changed []string
	for name, content := range files {
		changed = append(changed, s.path(name))
		if content == "" {
			if err := os.Remove(s.path(name)); err != nil {
				s.t.Fatal(err)
			}
		} else {
			write(s.t, s.path(name), content)
		}
	}
	x, err := s.b.Build(s.t.Context())
	s.builds++
	want, wantErr := s.plain.Build(s.t.Context())
	switch {
	case (err == nil) != (wantErr == nil), err != nil && said(err) != said(wantErr):
		s.t.Fatalf("%v\nthe go command: %v", said(err), said(wantErr))
	case err != nil:
		s.broken++
	default:
		s.compare(x, want)
	}
	if s.graph.Outdated(changed) {
		s.list()
	}
	if x == nil {
		return false
	}
	if x.FastBuild {
		s.direct++
	}
	return x.FastBuild
}

// said is what the user is told.
func said(err error) string {
	if broken := new(BuildError); errors.As(err, &broken) {
		return broken.Output
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// compare removes both binaries when they are the same but for the hashes of what they
// were made by.
func (s *session) compare(x, want *Binary) {
	s.t.Helper()
	if x.ID != want.ID || x.ID == "" {
		s.t.Fatalf("ID %s (direct: %v), that of the go command %s", x.ID, x.FastBuild, want.ID)
	}
	if !bytes.Equal(content(s.t, x), content(s.t, want)) {
		s.t.Fatalf("another binary with the same ID (direct: %v)", x.FastBuild)
	}
	for _, binary := range []*Binary{x, want} {
		if err := binary.Remove(); err != nil {
			s.t.Error(err)
		}
	}
}

// content is that of a binary but for the first three fields of the build ID, and the one
// of the host.
func content(t *testing.T, x *Binary) []byte {
	t.Helper()
	data, err := os.ReadFile(x.Path)
	if err != nil {
		t.Fatal(err)
	}
	id := noteBuildID(bytes.NewReader(data))
	if len(id) == 0 {
		t.Fatal("no build ID")
	}
	data = bytes.ReplaceAll(data, id, make([]byte, len(id)))
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if note := file.Section(".note.gnu.build-id"); note != nil {
		clear(data[note.Offset+16 : note.Offset+note.Size])
	}
	return data
}

// layered is a program with what an edit can spread by: constants, inlined bodies,
// generics, embedded files, and a package that reaches main in two ways.
const layered = gomod + `
-- main.go --
package main

import (
	"example.com/m/high"
	"example.com/m/low"
)

func main() {
	println(low.Name, high.Hello(low.Size), high.Text, low.Twice(3))
}
-- high/high.go --
package high

import (
	_ "embed"

	"example.com/m/middle"
)

//go:embed text.txt
var Text string

func Hello(n int) string { return middle.Pad("hello", n) }
-- high/text.txt --
some text
-- middle/middle.go --
package middle

import "example.com/m/low"

func Pad(s string, n int) string {
	for len(s) < n {
		s += low.Fill()
	}
	return s
}
-- low/low.go --
package low

const Size = 10

var Name = "low"

func Fill() string { return "." }

func Twice[T int | string](x T) T { return x + x }

func hidden(n int) int {
	return n + 1
}

//go:noinline
func Kept(n int) int { return hidden(n) }
`

func replaced(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("no %q in %s", from, text)
	}
	return strings.Replace(text, from, to, 1)
}

func TestShortcut(t *testing.T) {
	t.Parallel()
	s := newSession(t, project(t, layered), Options{})
	change := func(name, from, to string) bool {
		t.Helper()
		return s.edit(map[string]string{name: replaced(t, s.read(name), from, to)})
	}
	// What was in the cache is compiled by the go command once.
	change("low/low.go", "Size = 10", "Size = 11")
	for _, test := range []struct {
		what, name, from, to string
		direct               bool
	}{
		{"package main", "main.go", "main() {\n", "main() {\n\tprintln(1)\n", true},
		{"a constant that another package has", "low/low.go", "Size = 11", "Size = 12", true},
		{"an inlined body", "low/low.go", `"."`, `"-"`, true},
		{"a generic body", "low/low.go", "return x + x", "return x + x + x", true},
		{"a body that nobody else has", "low/low.go", "return n + 1", "return n + 2", true},
		{"an embedded file", "high/text.txt", "some", "other", true},
		{"a comment", "middle/middle.go", "\treturn s\n}", "\treturn s\n} // so", true},
		{"nothing", "middle/middle.go", "so", "so", true},
		{"a type error", "middle/middle.go", "return s", "return n", false},
		{"its repair", "middle/middle.go", "return n", "return s", true},
		{"a syntax error", "main.go", "println(1)", "println(1", false},
		{"its repair", "main.go", "println(1", "println(2)", true},
		{"a missing name", "low/low.go", "Fill()", "Full()", false},
		{"its repair", "low/low.go", "Full()", "Fill()", true},
		{"an import more", "low/low.go", "package low\n", "package low\n\nimport _ \"strings\"\n", false},
		{"an edit after that", "low/low.go", "n + 2", "n + 4", true},
		{"an import less", "low/low.go", "import _ \"strings\"\n", "", false},
		{"an embed directive", "high/high.go", "//go:embed text.txt", "//go:embed *.txt", false},
		{"a build constraint", "low/low.go", "package low", "//go:build linux\n\npackage low", false},
		{"go.mod", "go.mod", "go 1.25", "go 1.24", false},
		{"an edit after that", "low/low.go", "n + 4", "n + 5", true},
		{"a debug directive", "main.go", "package main", "//go:debug panicnil=1\npackage main", false},
	} {
		if direct := change(test.name, test.from, test.to); direct != test.direct {
			t.Errorf("%s: without the go command: %v", test.what, direct)
		}
	}
	if s.edit(map[string]string{"low/more.go": "package low\n\nvar More = 1\n"}) {
		t.Error("a file more went by the shortcut")
	}
	if s.edit(map[string]string{"low/more.go": ""}) {
		t.Error("a file less went by the shortcut")
	}
	if left := regexp.MustCompile(`record-`).FindString(strings.Join(list(t, s.b.shortcut.dir), "\n")); left != "" {
		t.Errorf("left: %q", list(t, s.b.shortcut.dir))
	}
}

// What else than a plain module may be built.
func TestShortcutOf(t *testing.T) {
	t.Parallel()
	// With -trimpath packages may be in the cache, where no command is to be seen: not these.
	lib := "package lib\n\nfunc Hello() string { return \"hello\" + \"" + rand.Text() + "\" }\n"
	const (
		usesLib = "-- main.go --\npackage main\n\nimport \"example.com/lib\"\n\nvar v string\n\nfunc main() { println(lib.Hello(), v) }\n"
		libMod  = "module example.com/lib\n\ngo 1.25\n"
		needs   = "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n"
	)
	beside := gomod + needs + usesLib + "-- ../lib/go.mod --\n" + libMod + "-- ../lib/lib.go --\n" + lib
	tests := []struct {
		name, archive, lib string
		options            Options
	}{
		{"a replaced module", beside, "../lib/lib.go", Options{}},
		{"-trimpath", beside, "../lib/lib.go", Options{Flags: []string{"-trimpath"}}},
		{"named files", beside, "../lib/lib.go", Options{Packages: []string{"main.go"}}},
		{"a workspace", strings.Replace(beside, needs, "", 1) + "-- go.work --\ngo 1.25\nuse (\n\t.\n\t../lib\n)\n", "../lib/lib.go", Options{}},
		{"vendored modules", gomod + "require example.com/lib v0.0.0\n" + usesLib +
			"-- vendor/modules.txt --\n# example.com/lib v0.0.0\n## explicit; go 1.25\nexample.com/lib\n-- vendor/example.com/lib/lib.go --\n" + lib,
			"vendor/example.com/lib/lib.go", Options{}},
		{"-gcflags", beside, "../lib/lib.go", Options{Flags: []string{"-gcflags=all=-N -l"}}},
		{"-ldflags", beside, "../lib/lib.go", Options{Flags: []string{"-ldflags=-X main.v=x"}}},
		{"-tags", beside, "../lib/lib.go", Options{Flags: []string{"-tags", "x"}}},
		{"-buildmode=pie", beside, "../lib/lib.go", Options{Flags: []string{"-buildmode=pie"}}},
		{"a debugger", beside, "../lib/lib.go", Options{Debug: true, Flags: []string{"-buildvcs=false"}}},
		{"-race", beside, "../lib/lib.go", Options{Flags: []string{"-race"}}},
	}
	if os.Getenv("HOTSTART_LONG") == "" {
		tests = tests[:2]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "-race" {
				needGCC(t)
			}
			s := newSession(t, project(t, test.archive), test.options)
			for _, greeting := range []string{`"hi"`, `"hi" + "ho"`} {
				s.edit(map[string]string{test.lib: strings.Replace(lib, `"hello"`, greeting, 1)})
			}
			s.edit(map[string]string{"main.go": strings.Replace(s.read("main.go"), "main() {", "main() {\n\tprintln()\n", 1)})
			if s.direct != 3 {
				t.Errorf("%d of 3 edits went without the go command", s.direct)
			}
		})
	}
}

// Where the shortcut may not lead to the same, it is never taken.
func TestShortcutClosed(t *testing.T) {
	t.Parallel()
	const cgo = gomod + "-- main.go --\npackage main\n\n// int f(void) { return 1; }\nimport \"C\"\n\nfunc main() { println(C.f()) }\n"
	const assembly = gomod + "-- main.go --\npackage main\n\nfunc f()\n\nfunc main() { f() }\n-- f.s --\nTEXT ·f(SB), $0\n\tRET\n"
	for _, test := range []struct {
		name, archive string
		options       Options
	}{
		{"cgo", cgo, Options{}},
		{"assembly", assembly, Options{}},
		{"the stamp of the version control", gomod + hello, Options{Flags: []string{"-buildvcs=auto"}}},
		{"-cover", gomod + hello, Options{Flags: []string{"-cover"}}},
		{"an overlay", gomod + hello + "-- overlay.json --\n{}\n", Options{Flags: []string{"-overlay=overlay.json"}}},
		{"-toolexec", gomod + hello, Options{Flags: []string{"-toolexec=env"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "cgo" {
				needGCC(t)
			}
			s := newSession(t, project(t, test.archive), test.options)
			for range 2 {
				s.edit(map[string]string{"main.go": strings.Replace(s.read("main.go"), "main() {", "main() {\n\tprintln()\n", 1)})
			}
			if s.direct > 0 {
				t.Errorf("%d edits went without the go command", s.direct)
			}
		})
	}
}

// build builds by the shortcut.
func (s *session) build() *Binary {
	s.t.Helper()
	x := mustBuild(s.t, s.b)
	if !x.FastBuild {
		s.t.Fatal("built by the go command")
	}
	return x
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSession(t, project(t, layered), Options{})
	x := s.build()
	if other, err := s.b.Check(t.Context(), x); other != nil || err != nil {
		t.Errorf("Check: %v, %v", other, err)
	}
	write(t, s.path("low/low.go"), s.read("low/low.go")+"\n\nvar More = 1\n")
	if other, err := s.b.Check(t.Context(), x); other != nil || err != nil {
		t.Errorf("Check of what is out of date: %v, %v", other, err)
	}
	x = s.build()
	if left := list(t, s.b.output); len(left) != 3 { // and the folder "direct"
		t.Errorf("left: %q", left)
	}
	s.b.shortcut.last.id, x.ID = "other", "other"
	other, err := s.b.Check(t.Context(), x)
	if other == nil || err != nil || other.ID == x.ID || other.FastBuild {
		t.Errorf("Check of something else: %v, %v", other, err)
	}
	if x := mustBuild(t, s.b); x.FastBuild {
		t.Error("the shortcut was taken after that")
	}
}

// A folder of the module can come to stand for a package of another module that is in use.
// Nobody looks there but the go command.
func TestCheckFindsAnError(t *testing.T) {
	t.Parallel()
	s := newSession(t, project(t, gomod+"require example.com/m/sub v0.0.0\nreplace example.com/m/sub => ../lib\n"+
		"-- main.go --\npackage main\n\nimport \"example.com/m/sub\"\n\nfunc main() { println(sub.Text) }\n"+
		"-- ../lib/go.mod --\nmodule example.com/m/sub\n-- ../lib/lib.go --\npackage sub\n\nconst Text = \"text\"\n"), Options{})
	write(t, s.path("sub/sub.go"), "package sub\n\nconst Text = \"another\"\n")
	x := s.build()
	_, err := s.b.Check(t.Context(), x)
	if broken := new(BuildError); !errors.As(err, &broken) || !strings.Contains(broken.Output, "ambiguous import") {
		t.Errorf("Check: %v", err)
	}
	if _, err := s.b.Build(t.Context()); err == nil {
		t.Error("the shortcut was taken after that")
	}
}
