package graph

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+embedding+"-- a/a.go --\npackage a\n-- b/b.go --\npackage b\n"+
		"-- x.go --\npackage main\n\nimport _ \"example.com/m/a\"\n-- a/ignored.go --\n//go:build never\n\npackage a\n")
	g := mustList(t, listerIn(t, dir, project{UserFlags: []string{"-tags=dev"}}))
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	const missing = "\x00" // content of a missing file
	tests := []struct {
		file    string // written after the graph was listed
		content string
		want    bool
	}{
		{"new.go", "package main\n", true},
		{"a/new.go", "package a\n", true},
		{"a/broken.go", "pack", true},
		{"a/bad_constraint.go", "//go:build &&\n\npackage a\n", true},
		{"a/dev.go", "//go:build dev\n\npackage a\n", true},
		{"a/release.go", "//go:build go1.25 && !go1.999\n\npackage a\n", true},
		{"a/prod.go", "//go:build !dev\n\npackage a\n", false},
		{"a/x_windows.go", "package a\n", false},
		{"a/ignored.go", "//go:build never\n\npackage a\n\nvar x int\n", false},
		{"a/a.go", "//go:build never\n\npackage a\n", true},
		{"a/a_test.go", "package a\n", false},
		{"a/_a.go", "package a\n", false},
		{"a/.a.go", "package a\n", false},
		{"a/.#a.go", "package a\n", false},
		{"a/a.go~", "package a\n", false},
		{"a/f.s", "", true},
		{"a/f.h", "", true},
		{"a/README", "", false},
		{"a/sub/sub.go", "package sub\n", false},
		{"a/gone.go", missing, true}, // a build may have read it
		{"a/gone.s", missing, true},
		{"a/gone_windows.go", missing, false},
		{"a/gone_test.go", missing, false},
		{"b/gone.go", missing, false},
		{"b/b.go", "package b\n", false},
		{"b/new.go", "package b\n", false},
		{"go.sum", missing, true},
		{"a/go.mod", missing, true}, // it would remove the package from the module
		{"b/go.mod", missing, false},
		{"static/go.mod", missing, true},
		{"static/new/go.mod", missing, true},
		{"web/go.mod", missing, false},
		{"vendor/modules.txt", missing, true},
		{"one.txt", missing, true},
		{"two.txt", "", false},
		{"static/new.css", "", true},
		{"static/new/deep/er.css", "", true},
		{"static/.new", "", false},
		{"static/_new/x", "", false},
		{"static/other/new", "", false},
		{"static", "", true}, // a file instead of the directory
		{"web/new.html", "", true},
		{"web/.new.html", "", true}, // a pattern that matches the name itself
		{"web/new.js", "", false},
		{"web/sub/new.html", "", false},
		{"web/dir.html/x.js", "", true}, // the pattern matches whole directories
		{"hidden/.new/_x", "", true},
		{"hidden/.git/x", "", false},
	}
	for _, test := range tests {
		name := filepath.Join(dir, test.file)
		if _, err := os.Stat(name); test.content != missing && (err != nil || strings.HasSuffix(name, ".go")) {
			buildtest.Write(t, name, test.content)
		}
		if got := g.Match(name); got != test.want {
			t.Errorf("%s: %v", test.file, got)
		}
	}
	if g.Match(filepath.Join(g.context.GOROOT, "src", "fmt", "print.go")) {
		t.Error("a file of GOROOT matches")
	}
}

func TestMatchDeleted(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello+"-- b.go --\npackage main\n")
	g := mustList(t, listerIn(t, dir, project{}))
	name := filepath.Join(dir, "b.go")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if !g.Match(name) || !g.Outdated([]string{name}) {
		t.Error("a deleted file does not match")
	}
}

func TestMatchNamedFiles(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	g := mustList(t, listerIn(t, dir, project{Packages: []string{"main.go"}}))
	buildtest.Write(t, filepath.Join(dir, "b.go"), "package main\n")
	if g.Match(filepath.Join(dir, "b.go")) || !g.Match(filepath.Join(dir, "main.go")) {
		t.Error("another file than the named one matches")
	}
}

func TestMatchWithoutCgo(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	g := mustList(t, listerIn(t, dir, project{Environ: append(os.Environ(), "CGO_ENABLED=0")}))
	buildtest.Write(t, filepath.Join(dir, "c.go"), "package main\n\nimport \"C\"\n")
	buildtest.Write(t, filepath.Join(dir, "c.c"), "")
	buildtest.Write(t, filepath.Join(dir, "d.go"), "package main\n\nimport \"fmt\"\n")
	if g.Match(filepath.Join(dir, "c.go")) || g.Match(filepath.Join(dir, "c.c")) || !g.Match(filepath.Join(dir, "d.go")) {
		t.Error("a file for cgo matches, or another one does not")
	}
}

// While the graph is incomplete, every .go file of the modules matches.
func TestMatchInTrees(t *testing.T) {
	t.Parallel()
	const archive = "-- go.mod --\nmodule (\n" + buildtest.Hello + "-- go.work --\ngo 1.25\nuse (\n\t.\n\t./in/testdata/ours\n)\n" +
		"-- in/testdata/ours/go.mod --\nmodule ours\n-- nested/go.mod --\nmodule nested\n"
	for _, mod := range []string{"", "-mod=vendor"} {
		dir := buildtest.Project(t, archive)
		g := mustList(t, listerIn(t, dir, project{UserFlags: strings.Fields(mod)}))
		if got, want := relativeAll(dir, g.Trees), ". in/testdata/ours"; g.Err == nil || got != want {
			t.Fatalf("Err %v, trees %q, want %q", g.Err, got, want)
		}
		for file, want := range map[string]bool{
			"x.go": true, "new/dir/x.go": true, "go.mod": true, "go.sum": true, "in/testdata/ours/sub/x.go": true, "in/testdata/ours/go.sum": true,
			"x_test.go": false, "_x.go": false, "x.txt": false, ".git/x.go": false, "a/_b/x.go": false, "node_modules/a/x.go": false,
			"testdata/x.go": false, "in/testdata/x.go": false, "nested/x.go": false, "nested/sub/x.go": false, "../x.go": false,
			"vendor/a/x.go": mod != "",
		} {
			if got := g.Match(filepath.Join(dir, file)); got != want {
				t.Errorf("%s, %q: %v", file, mod, got)
			}
		}
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, "-- _a/go.mod --\n-- _a/b/go.mod --\n-- _a/c/d/e.go --\n")
	tree := filepath.Join(dir, "_a")
	g := &Graph{Trees: []string{tree}}
	for name, want := range map[string]bool{"": false, "c": false, "c/d": false, "b": true, "b/x": true, ".idea": true, "_x/y": true,
		"c/node_modules": true, "c/testdata": true, "vendor": true, "..": true, "../.git": true} {
		if got := g.Skip(filepath.Join(tree, name)); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestOutdated(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\n// Package main does.\npackage main\n\nimport (\n\t\"embed\"\n\t\"fmt\"\n)\n\n//go:embed one.txt\nvar fs embed.FS\n\nfunc main() { fmt.Println(fs) }\n"+
		"-- one.txt --\n1\n-- f.s --\n#include \"f.h\"\n-- f.h --\n-- ignored.go --\n//go:build never\n\npackage main\n-- lib.go --\npackage main\n")
	g := mustList(t, listerIn(t, dir, project{}))
	if g.Err != nil {
		t.Fatal(g.Err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) string { return strings.ReplaceAll(string(before), old, new) }
	tests := []struct {
		name    string
		file    string
		content string
		want    bool
	}{
		{"nothing", "main.go", string(before), false},
		{"a body", "main.go", edit("Println", "Print"), false},
		{"comments", "main.go", edit("does", "does more\n// and more"), false},
		{"the order of imports", "main.go", edit("\t\"embed\"\n\t\"fmt\"", "\t\"fmt\"\n\n\t\"embed\""), false},
		{"a syntax error in a body", "main.go", edit("main() {", "main() "), false},
		{"an import", "main.go", edit("\"fmt\"", "\"fmt\"\n\t\"os\""), true},
		{"cgo", "main.go", edit("\"fmt\"", "\"fmt\"\n\t\"C\""), true},
		{"a syntax error above", "main.go", edit("import (", "import"), true},
		{"the package clause", "main.go", edit("package main", "package lib"), true},
		{"a constraint", "main.go", "//go:build x\n\n" + string(before), true},
		{"an embed directive", "main.go", edit("one.txt", "one.txt two.txt"), true},
		{"no embed directive", "main.go", edit("//go:embed one.txt", ""), true},
		{"an embedded file", "one.txt", "2\n", false},
		{"assembly", "f.s", "#include \"g.h\"\n", false},
		{"a constraint of assembly", "f.s", "//go:build x\n", true},
		{"a new file", "new.go", "package main\n", true},
		{"a new file that does not match", "new_windows.go", "package main\n", false},
		{"a new file elsewhere", "sub/x.go", "package sub\n", false},
		{"a file that is still ignored", "ignored.go", "//go:build never\n\npackage main\n\nimport \"os\"\n", false},
		{"a file that is not ignored any more", "ignored.go", "package main\n", true},
		{"go.mod", "go.mod", "module example.com/m\n", true},
		{"go.sum", "go.sum", "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(dir, test.file)
			buildtest.Write(t, name, test.content)
			if got := g.Outdated([]string{filepath.Join(dir, "lib.go"), name}); got != test.want {
				t.Errorf("%v", got)
			}
		})
	}
	if g.Outdated(nil) {
		t.Error("outdated by nothing")
	}
}

func BenchmarkOutdated(b *testing.B) {
	g := &Graph{Files: map[string]File{}}
	name, err := filepath.Abs("graph.go")
	if err != nil {
		b.Fatal(err)
	}
	text, ok := header(name)
	g.Files[name] = File{Header: text, known: ok}
	for b.Loop() {
		if g.Outdated([]string{name}) {
			b.Fatal("outdated")
		}
	}
}
