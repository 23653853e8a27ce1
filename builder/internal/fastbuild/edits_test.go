package fastbuild_test

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

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	builder.RunTool()
	goleak.VerifyTestMain(m)
}

// session edits a project and builds it, without the go command where that is possible, as
// hotstart watch does. It compares each build with one of the go command; without HOTSTART_LONG
// only each third one and those that fail. An error in one build is in the next ones, too.
type session struct {
	t      *testing.T
	b      *builder.Builder
	plain  *builder.Builder // builds with the go command alone
	lists  bool             // plain lists, too: its instrumentation needs that
	dir    string
	output string // of b
	graph  *builder.Graph

	check bool // after each build that is compared

	builds, fast, broken int
}

func builderIn(t *testing.T, dir string, o builder.Options) *builder.Builder {
	t.Helper()
	if o.Dir = dir; o.Output == "" {
		o.Output = t.TempDir()
	}
	b, err := builder.New(t.Context(), o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

func mustBuild(t *testing.T, b *builder.Builder) *builder.Binary {
	t.Helper()
	x, err := b.Build(t.Context())
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return x
}

func mustList(t *testing.T, b *builder.Builder) *builder.Graph {
	t.Helper()
	g, err := b.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return g
}

func newSession(t *testing.T, dir string, o builder.Options) *session {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("fast builds are only made on Linux")
	}
	s := &session{t: t, dir: dir, plain: builderIn(t, dir, o), lists: o.Adopt, output: t.TempDir()}
	o.FastBuild, o.Output = builder.FastBuildWhole, s.output
	s.b = builderIn(t, dir, o)
	s.list()
	s.edit(nil)
	return s
}

func (s *session) list() {
	s.t.Helper()
	if s.lists {
		mustList(s.t, s.plain)
	}
	s.graph = mustList(s.t, s.b)
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

// edit writes files, removes those whose content is "", and builds. It reports whether the
// program was built without the go command.
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
			buildtest.Write(s.t, s.path(name), content)
		}
	}
	x, err := s.b.Build(s.t.Context())
	s.builds++
	if err != nil {
		s.broken++
	}
	compared := err != nil || s.builds%3 == 0 || os.Getenv("HOTSTART_LONG") != ""
	if compared {
		s.compare(x, err)
	} else if err := x.Remove(); err != nil {
		s.t.Error(err)
	}
	if s.graph.Outdated(changed) {
		s.list()
	}
	if x != nil && s.check && compared {
		if other, _, err := s.b.Check(s.t.Context(), x); other != nil || err != nil {
			s.t.Fatalf("Check: %v, %v", other, err)
		}
	}
	if x == nil {
		return false
	}
	if x.FastBuild {
		s.fast++
	}
	return x.FastBuild
}

// message returns what the user sees of an error.
func message(err error) string {
	if broken := new(builder.BuildError); errors.As(err, &broken) {
		return broken.Output
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// compare compares a build with that of the go command: the errors, or the binaries except the
// hashes of their inputs. It removes the binaries.
func (s *session) compare(x *builder.Binary, err error) {
	s.t.Helper()
	want, wantErr := s.plain.Build(s.t.Context())
	if message(err) != message(wantErr) {
		s.t.Fatalf("%v\nthe go command: %v", message(err), message(wantErr))
	}
	if err != nil {
		return
	}
	if x.ID != want.ID || x.ID == "" {
		s.t.Fatalf("ID %s (fast: %v), that of the go command %s", x.ID, x.FastBuild, want.ID)
	}
	if !bytes.Equal(content(s.t, x), content(s.t, want)) {
		s.t.Fatalf("another binary with the same ID (fast: %v)", x.FastBuild)
	}
	for _, binary := range []*builder.Binary{x, want} {
		if err := binary.Remove(); err != nil {
			s.t.Error(err)
		}
	}
}

// buildID matches a whole build ID in the note of an ELF file.
var buildID = regexp.MustCompile(`Go\x00\x00([\w-]{20}/[\w-]{20}/[\w-]{20}/[\w-]{20})`)

// content returns a binary without its build ID and without the ID of the host.
func content(t *testing.T, x *builder.Binary) []byte {
	t.Helper()
	data, err := os.ReadFile(x.Path)
	if err != nil {
		t.Fatal(err)
	}
	id := buildID.FindSubmatch(data)
	if id == nil {
		t.Fatal("no build ID")
	}
	data = bytes.ReplaceAll(data, id[1], make([]byte, len(id[1])))
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if note := file.Section(".note.gnu.build-id"); note != nil {
		clear(data[note.Offset+16 : note.Offset+note.Size])
	}
	return data
}

// layered is a program in which an edit of one package changes others: by constants, inlined
// bodies, generics, embedded files, and a package that main imports in two ways.
const layered = buildtest.Module + `
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

func TestFastBuild(t *testing.T) {
	t.Parallel()
	s := newSession(t, buildtest.Project(t, layered), builder.Options{})
	change := func(name, from, to string) bool {
		t.Helper()
		return s.edit(map[string]string{name: replaced(t, s.read(name), from, to)})
	}
	// The go command compiles a package once that was in the build cache: its command is unknown.
	change("low/low.go", "Size = 10", "Size = 11")
	for _, test := range []struct {
		what, name, from, to string
		fast                 bool
	}{
		{"package main", "main.go", "main() {\n", "main() {\n\tprintln(1)\n", true},
		{"a constant that another package has", "low/low.go", "Size = 11", "Size = 12", true},
		{"an inlined body", "low/low.go", `"."`, `"-"`, true},
		{"a generic body", "low/low.go", "return x + x", "return x + x + x", true},
		{"a body that is not inlined", "low/low.go", "return n + 1", "return n + 2", true},
		{"an embedded file", "high/text.txt", "some", "other", true},
		{"a comment", "middle/middle.go", "\treturn s\n}", "\treturn s\n} // so", true},
		{"nothing", "middle/middle.go", "so", "so", true},
		{"a type error", "middle/middle.go", "return s", "return n", false},
		{"its repair", "middle/middle.go", "return n", "return s", true},
		{"a syntax error", "main.go", "println(1)", "println(1", false},
		{"its repair", "main.go", "println(1", "println(2)", true},
		{"a missing name", "low/low.go", "Fill()", "Full()", false},
		{"its repair", "low/low.go", "Full()", "Fill()", true},
		{"another import", "low/low.go", "package low\n", "package low\n\nimport _ \"strings\"\n", false},
		{"an edit after that", "low/low.go", "n + 2", "n + 4", true},
		{"a removed import", "low/low.go", "import _ \"strings\"\n", "", false},
		{"an embed directive", "high/high.go", "//go:embed text.txt", "//go:embed *.txt", false},
		{"a build constraint", "low/low.go", "package low", "//go:build linux\n\npackage low", false},
		{"go.mod", "go.mod", "go 1.25", "go 1.24", false},
		{"an edit after that", "low/low.go", "n + 4", "n + 5", true},
		{"a debug directive", "main.go", "package main", "//go:debug panicnil=1\npackage main", false},
	} {
		if fast := change(test.name, test.from, test.to); fast != test.fast {
			t.Errorf("%s: built without the go command: %v", test.what, fast)
		}
	}
	if s.edit(map[string]string{"low/more.go": "package low\n\nvar More = 1\n"}) {
		t.Error("a build with another file was fast")
	}
	if s.edit(map[string]string{"low/more.go": ""}) {
		t.Error("a build without a file was fast")
	}
	if left, err := filepath.Glob(filepath.Join(s.output, "fastbuild", "record-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// Fast builds work with other programs than a plain module, and with flags.
func TestFastBuildOf(t *testing.T) {
	t.Parallel()
	// With -trimpath, packages may be in the build cache, and their commands unknown. The random
	// text prevents that.
	lib := "package lib\n\nfunc Hello() string { return \"hello\" + \"" + rand.Text() + "\" }\n"
	const (
		usesLib = "-- main.go --\npackage main\n\nimport \"example.com/lib\"\n\nvar v string\n\nfunc main() { println(lib.Hello(), v) }\n"
		libMod  = "module example.com/lib\n\ngo 1.25\n"
		needs   = "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n"
	)
	here := buildtest.Module + needs + usesLib + "-- ../lib/go.mod --\n" + libMod + "-- ../lib/lib.go --\n" + lib
	tests := []struct {
		name, archive, lib string
		options            builder.Options
	}{
		{"a replaced module", here, "../lib/lib.go", builder.Options{}},
		{"-trimpath", here, "../lib/lib.go", builder.Options{Flags: []string{"-trimpath"}}},
		{"named files", here, "../lib/lib.go", builder.Options{Packages: []string{"main.go"}}},
		{"a workspace", strings.Replace(here, needs, "", 1) + "-- go.work --\ngo 1.25\nuse (\n\t.\n\t../lib\n)\n", "../lib/lib.go", builder.Options{}},
		{"vendored modules", buildtest.Module + "require example.com/lib v0.0.0\n" + usesLib +
			"-- vendor/modules.txt --\n# example.com/lib v0.0.0\n## explicit; go 1.25\nexample.com/lib\n-- vendor/example.com/lib/lib.go --\n" + lib,
			"vendor/example.com/lib/lib.go", builder.Options{}},
		{"-gcflags", here, "../lib/lib.go", builder.Options{Flags: []string{"-gcflags=all=-N -l"}}},
		{"-ldflags", here, "../lib/lib.go", builder.Options{Flags: []string{"-ldflags=-X main.v=x"}}},
		{"-tags", here, "../lib/lib.go", builder.Options{Flags: []string{"-tags", "x"}}},
		{"-buildmode=pie", here, "../lib/lib.go", builder.Options{Flags: []string{"-buildmode=pie"}}},
		{"a debugger", here, "../lib/lib.go", builder.Options{Debug: true, Flags: []string{"-buildvcs=false"}}},
		{"-race", here, "../lib/lib.go", builder.Options{Flags: []string{"-race"}}},
	}
	if os.Getenv("HOTSTART_LONG") == "" {
		tests = tests[:2]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.name == "-race" {
				buildtest.NeedGCC(t)
			}
			s := newSession(t, buildtest.Project(t, test.archive), test.options)
			for _, greeting := range []string{`"hi"`, `"hi" + "ho"`} {
				s.edit(map[string]string{test.lib: strings.Replace(lib, `"hello"`, greeting, 1)})
			}
			s.edit(map[string]string{"main.go": strings.Replace(s.read("main.go"), "main() {", "main() {\n\tprintln()\n", 1)})
			if s.fast != 3 {
				t.Errorf("%d of 3 edits were built without the go command", s.fast)
			}
		})
	}
}

// The go command builds programs of which a fast build might be another one.
func TestNoFastBuildOf(t *testing.T) {
	t.Parallel()
	const cgo = buildtest.Module + "-- main.go --\npackage main\n\n// int f(void) { return 1; }\nimport \"C\"\n\nfunc main() { println(C.f()) }\n"
	const assembly = buildtest.Module + "-- main.go --\npackage main\n\nfunc f()\n\nfunc main() { f() }\n-- f.s --\nTEXT ·f(SB), $0\n\tRET\n"
	tests := []struct {
		name, archive string
		options       builder.Options
	}{
		{"assembly", assembly, builder.Options{}},
		{"a version control stamp", buildtest.Module + buildtest.Hello, builder.Options{Flags: []string{"-buildvcs=auto"}}},
		{"cgo", cgo, builder.Options{}},
		{"-cover", buildtest.Module + buildtest.Hello, builder.Options{Flags: []string{"-cover"}}},
		{"an overlay", buildtest.Module + buildtest.Hello + "-- overlay.json --\n{}\n", builder.Options{Flags: []string{"-overlay=overlay.json"}}},
		{"-toolexec", buildtest.Module + buildtest.Hello, builder.Options{Flags: []string{"-toolexec=env"}}},
	}
	edits := 2
	if os.Getenv("HOTSTART_LONG") == "" {
		tests, edits = tests[:2], 1
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.name == "cgo" {
				buildtest.NeedGCC(t)
			}
			dir := buildtest.Project(t, test.archive)
			test.options.FastBuild = builder.FastBuildWhole
			b := builderIn(t, dir, test.options)
			mustList(t, b)
			mustBuild(t, b)
			for n := range edits {
				name := filepath.Join(dir, "main.go")
				content, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				buildtest.Write(t, name, strings.Replace(string(content), "main() {", "main() {\n\tprintln()\n", 1))
				if mustBuild(t, b).FastBuild {
					t.Errorf("edit %d was built without the go command", n)
				}
			}
		})
	}
}

// build makes a fast build.
func (s *session) build() *builder.Binary {
	s.t.Helper()
	x := mustBuild(s.t, s.b)
	if !x.FastBuild {
		s.t.Fatal("built by the go command")
	}
	return x
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newSession(t, buildtest.Project(t, layered), builder.Options{})
	x := s.build()
	if other, _, err := s.b.Check(t.Context(), x); other != nil || err != nil {
		t.Errorf("Check: %v, %v", other, err)
	}
	buildtest.Write(t, s.path("low/low.go"), s.read("low/low.go")+"\n\nvar More = 1\n")
	if other, _, err := s.b.Check(t.Context(), x); other != nil || err != nil {
		t.Errorf("Check of an outdated binary: %v, %v", other, err)
	}
	s.build()
	if left := buildtest.List(t, s.output); len(left) != 3 { // two binaries, and the directory of the cache
		t.Errorf("left: %q", left)
	}
}

// A new directory of the module may make the import of another module's package ambiguous. Only
// the go command looks there.
func TestCheckFindsAnError(t *testing.T) {
	t.Parallel()
	s := newSession(t, buildtest.Project(t, buildtest.Module+"require example.com/m/sub v0.0.0\nreplace example.com/m/sub => ../lib\n"+
		"-- main.go --\npackage main\n\nimport \"example.com/m/sub\"\n\nfunc main() { println(sub.Text) }\n"+
		"-- ../lib/go.mod --\nmodule example.com/m/sub\n-- ../lib/lib.go --\npackage sub\n\nconst Text = \"text\"\n"), builder.Options{})
	buildtest.Write(t, s.path("sub/sub.go"), "package sub\n\nconst Text = \"another\"\n")
	x := s.build()
	_, _, err := s.b.Check(t.Context(), x)
	if broken := new(builder.BuildError); !errors.As(err, &broken) || !strings.Contains(broken.Output, "ambiguous import") {
		t.Errorf("Check: %v", err)
	}
	if _, err := s.b.Build(t.Context()); err == nil {
		t.Error("a fast build after that")
	}
}
