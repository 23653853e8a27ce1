package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustList(t *testing.T, b *Builder) *Graph {
	t.Helper()
	g, err := b.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return g
}

// sources returns the files of a graph that exist, relative to dir, sorted.
func sources(dir string, g *Graph) string {
	var names []string
	for name := range g.files {
		if _, err := os.Stat(name); err == nil {
			names = append(names, relative(dir, name))
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// existing returns those of the directories that exist, save those above dir.
func existing(dir string, names []string) (found []string) {
	for _, name := range names {
		if exists(name) && (name == dir || !inside(name, dir)) {
			found = append(found, name)
		}
	}
	return found
}

func relative(dir, name string) string {
	rel, err := filepath.Rel(dir, name)
	if err != nil {
		return name
	}
	return rel
}

func relativeAll(dir string, names []string) string {
	rels := make([]string, len(names))
	for i, name := range names {
		rels[i] = relative(dir, name)
	}
	return strings.Join(rels, " ")
}

const embedding = "-- main.go --\npackage main\n\nimport \"embed\"\n\n" +
	"//go:embed one.txt static web/*.html all:hidden\nvar files embed.FS\n\nfunc main() { println(files.Open) }\n" +
	"-- one.txt --\n1\n-- two.txt --\n2\n" +
	"-- static/a.css --\na\n-- static/deep/b.css --\nb\n-- static/.git/c --\nc\n-- static/_d --\nd\n-- static/other/go.mod --\nmodule other\n-- static/other/e --\ne\n" +
	"-- web/f.html --\nf\n-- web/f.js --\nf\n-- web/sub/g.html --\ng\n" +
	"-- hidden/.h --\nh\n-- hidden/_i/j --\nj\n"

func TestList(t *testing.T) {
	t.Parallel()
	const replace = "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n"
	const lib = "-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n-- ../lib/unused/u.go --\npackage unused\n"
	const usesLib = "-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n"
	tests := []struct {
		name    string
		archive string
		options Options
		root    string
		files   string
		dirs    string
		trees   string
	}{
		{"plain", gomod + "-- go.sum --\n-- main.go --\npackage main\n\nimport (\n\t\"fmt\"\n\n\t_ \"example.com/m/a\"\n)\n\nfunc main() { fmt.Println() }\n" +
			"-- main_test.go --\npackage main\n-- a/a.go --\npackage a\n-- a/a_windows.go --\npackage a\n-- b/b.go --\npackage b\n-- README --\n-- _x.go --\npackage x\n",
			Options{}, "example.com/m", "a/a.go go.mod go.sum main.go", ". a", ""},
		{"tags", gomod + hello + "-- dev.go --\n//go:build dev\n\npackage main\n-- prod.go --\n//go:build !dev\n\npackage main\n",
			Options{Flags: []string{"-tags", "dev"}}, "example.com/m", "dev.go go.mod main.go", ".", ""},
		{"a program below", gomod + hello + "-- cmd/api/main.go --\npackage main\n", Options{Packages: []string{"./cmd/api"}},
			"example.com/m/cmd/api", "cmd/api/main.go go.mod", ". cmd cmd/api", ""},
		{"assembly", gomod + hello + "-- f.s --\n-- f.h --\n-- x.syso --\n", Options{}, "example.com/m", "f.h f.s go.mod main.go x.syso", ".", ""},
		{"cgo", gomod + "-- main.go --\npackage main\n\nimport \"C\"\n\nfunc main() {}\n-- f.c --\n-- f.h --\n-- sub/g.c --\n",
			Options{}, "example.com/m", "f.c f.h go.mod main.go", ".", ""},
		{"embed", gomod + embedding, Options{}, "example.com/m",
			"go.mod hidden/.h hidden/_i/j main.go one.txt static/a.css static/deep/b.css web/f.html", ". hidden hidden/_i static static/deep web", "hidden static web"},
		{"replaced", gomod + replace + usesLib + lib, Options{}, "example.com/m", "../lib/go.mod ../lib/lib.go go.mod main.go", "../lib .", ""},
		{"workspace", gomod + "-- go.work --\ngo 1.25\nuse (\n\t. // here\n\t\"../lib\"\n)\nuse ./other\n-- other/go.mod --\nmodule example.com/other\n" + usesLib + lib,
			Options{}, "example.com/m", "../lib/go.mod ../lib/lib.go go.mod go.work main.go other/go.mod", "../lib . other", ""},
		{"vendored", gomod + "require example.com/lib v1.0.0\n" + usesLib + "-- vendor/modules.txt --\n# example.com/lib v1.0.0\n## explicit\nexample.com/lib\n" +
			"-- vendor/example.com/lib/lib.go --\npackage lib\n-- vendor/example.com/lib/lib_test.go --\npackage lib\n",
			Options{}, "example.com/m", "go.mod main.go vendor/example.com/lib/lib.go vendor/modules.txt", ". vendor vendor/example.com vendor/example.com/lib", ""},
		{"files", gomod + hello + "-- b.go --\npackage main\n-- c.go --\npackage main\n", Options{Packages: []string{"main.go", "b.go"}},
			"command-line-arguments", "b.go go.mod main.go", ".", ""},
		{"another go.mod", gomod + "-- dev.mod --\nmodule example.com/m\n\ngo 1.25\n" + replace + "-- dev.sum --\n" + usesLib + lib,
			Options{Flags: []string{"-modfile=dev.mod"}}, "example.com/m", "../lib/go.mod ../lib/lib.go dev.mod dev.sum go.mod main.go", "../lib .", ""},
		{"a profile", gomod + hello + "-- default.pgo --\n", Options{Debug: true}, "example.com/m", "default.pgo go.mod main.go", ".", ""},
		{"a profile beside files", gomod + hello + "-- default.pgo --\n", Options{Debug: true, Packages: []string{"main.go"}},
			"command-line-arguments", "default.pgo go.mod main.go", ".", ""},
		{"no profile", gomod + hello + "-- default.pgo --\n", Options{}, "example.com/m", "go.mod main.go", ".", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.name == "cgo" {
				needGCC(t)
			}
			dir := project(t, test.archive)
			g := mustList(t, builderIn(t, dir, test.options))
			if g.Err != nil {
				t.Errorf("Err %v", g.Err)
			}
			if got := relativeAll(dir, g.Trees); got != test.trees {
				t.Errorf("trees %q, want %q", got, test.trees)
			}
			if g.Root != test.root {
				t.Errorf("root %q, want %q", g.Root, test.root)
			}
			if got := sources(dir, g); got != test.files {
				t.Errorf("files\n\t%s\nwant\n\t%s", got, test.files)
			}
			if got := relativeAll(dir, existing(dir, g.Dirs)); got != test.dirs {
				t.Errorf("dirs %s, want %s", got, test.dirs)
			}
			for name := range g.files {
				if !g.Match(name) {
					t.Errorf("no match for %s", name)
				}
			}
		})
	}
}

// The project is reached through a link: all names begin with the link's.
func TestListSymlinked(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+"-- main.go --\npackage main\n\nimport _ \"example.com/m/a\"\n\nfunc main() { x }\n-- a/a.go --\npackage a\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{"by default": nil, "environment given": append(os.Environ(), "PWD="+dir)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := builderIn(t, link, Options{Env: env})
			g := mustList(t, b)
			if got, want := relativeAll(link, existing(link, g.Dirs)), ". a"; got != want {
				t.Errorf("dirs %q, want %q", got, want)
			}
			if got, want := sources(link, g), "a/a.go go.mod main.go"; got != want {
				t.Errorf("files %q, want %q", got, want)
			}
			_, err := b.Build(t.Context())
			if failed := new(BuildError); !errors.As(err, &failed) || failed.Diagnostics[0].File != filepath.Join(link, "main.go") {
				t.Errorf("Build: %v, want an error in the linked main.go", err)
			}
		})
	}
}

func TestListSymlinkedFile(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+hello+"-- ../shared/x.go --\npackage main\n")
	if err := os.Symlink("../shared/x.go", filepath.Join(dir, "x.go")); err != nil {
		t.Fatal(err)
	}
	g := mustList(t, builderIn(t, dir, Options{}))
	if got, want := sources(dir, g), "../shared/x.go go.mod main.go x.go"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	if got, want := relativeAll(dir, existing(dir, g.Dirs)), ". ../shared"; got != want {
		t.Errorf("dirs %q, want %q", got, want)
	}
}

// Names that are not UTF-8 are those on the disk, not what JSON would make of them.
func TestListOfNamesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "caf\xe9")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Skipf("this file system takes no such name: %v", err)
	}
	for name, content := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "x\xe9.go": "package main\n",
		"main.go": "package main\n\nimport _ \"net\"\n\nfunc main() {}\n", "quote\"d.go": "package main\n"} {
		write(t, filepath.Join(dir, name), content)
	}
	b := builderIn(t, dir, Options{Adopt: true, FastBuild: true})
	for range 2 { // the second build is after a list
		mustBuild(t, b)
		if what, err := b.Instrumentation(); what != "" || err == nil || !strings.Contains(err.Error(), "not UTF-8") {
			t.Errorf("adopted: %q, %v", what, err)
		}
		g := mustList(t, b)
		if got, want := sources(dir, g), "go.mod main.go quote\"d.go x\xe9.go"; got != want || g.Err != nil || g.Missing != nil {
			t.Errorf("files %q, want %q; Err %v, Missing %q", got, want, g.Err, g.Missing)
		}
	}
}

func TestListOverlay(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+hello)
	back := filepath.Join(filepath.Dir(dir), "back.go")
	write(t, back, "package main\n")
	write(t, filepath.Join(dir, "overlay.json"), fmt.Sprintf(`{"Replace": {%q: %q, %q: ""}}`, filepath.Join(dir, "added.go"), back, filepath.Join(dir, "gone.go")))
	g := mustList(t, builderIn(t, dir, Options{Flags: []string{"-overlay", "overlay.json"}}))
	if got, want := sources(dir, g), "../back.go go.mod main.go overlay.json"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	if !g.Match(filepath.Join(dir, "added.go")) || !g.Outdated([]string{filepath.Join(dir, "overlay.json")}) {
		t.Error("the overlay does not count")
	}
}

func TestListIncomplete(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		archive string
		root    string
		files   string
		trees   string
		err     string
	}{
		{"a broken go.mod", "-- go.mod --\nmodule example.com/m\nreplace x => ../lib\nrequire (\n-- ../lib/go.mod --\n-- main.go --\npackage main\n",
			"", "../lib/go.mod go.mod", "../lib .", "go.mod:4: syntax error"},
		{"a package that is not there yet", gomod + "-- main.go --\npackage main\n\nimport (\n\t_ \"example.com/m/a\"\n\t_ \"example.com/m/b\"\n)\n-- b/b.go --\npackage b\n",
			"example.com/m", "b/b.go go.mod main.go", ".", "main.go:4:2: no required module provides package example.com/m/a"},
		{"no go.sum", gomod + "require golang.org/x/sys v0.1.0\n-- main.go --\npackage main\n\nimport _ \"golang.org/x/sys/unix\"\n",
			"example.com/m", "go.mod main.go", ".", "main.go:3:8: missing go.sum entry"},
		{"a syntax error", gomod + "-- main.go --\npackage main\n\nimport _ \"example.com/m/b\"\n-- x.go --\npackage main\n\nimport \"fmt\n-- b/b.go --\npackage b\n",
			"example.com/m", "b/b.go go.mod main.go x.go", ".", "x.go:3:8: string literal not terminated"},
		{"an empty directory", gomod + "-- x/x.go --\npackage x\n", "", "go.mod", ".", "no Go files in "},
		{"embeds nothing", gomod + "-- main.go --\npackage main\n\nimport _ \"embed\"\n\n//go:embed *.txt\nvar s string\n",
			"example.com/m", "go.mod main.go", ".", "main.go:5:12: pattern *.txt: no matching files found"},
		{"a workspace with a hole", gomod + "-- go.work --\ngo 1.25\nuse (\n\t.\n\t./nope\n\t../lib\n)\n-- ../lib/go.mod --\nmodule lib\n" + hello,
			"", "../lib/go.mod go.mod go.work", "../lib . nope", "cannot load module nope"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := project(t, test.archive)
			g := mustList(t, builderIn(t, dir, Options{Packages: []string{"."}}))
			if g.Err == nil || !strings.Contains(g.Err.Error(), test.err) || !strings.HasPrefix(g.Err.Error(), "listing the files of .: ") {
				t.Errorf("Err %v, want %q", g.Err, test.err)
			}
			if g.Root != test.root {
				t.Errorf("root %q, want %q", g.Root, test.root)
			}
			if got := sources(dir, g); got != test.files {
				t.Errorf("files %q, want %q", got, test.files)
			}
			if got := relativeAll(dir, g.Trees); got != test.trees {
				t.Errorf("trees %q, want %q", got, test.trees)
			}
		})
	}
}

// A workspace made while the project is being watched.
func TestListSeesNewWorkspace(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+"-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n")
	b := builderIn(t, dir, Options{})
	g := mustList(t, b)
	work := filepath.Join(dir, "go.work")
	if g.Err == nil || !g.Match(work) || !g.Outdated([]string{work}) {
		t.Errorf("Err %v; go.work must count", g.Err)
	}
	write(t, work, "go 1.25\nuse .\nuse ../lib\n")
	if g := mustList(t, b); g.Err != nil || !g.Match(filepath.Join(dir, "../lib/lib.go")) {
		t.Errorf("Err %v; ../lib must count", g.Err)
	}
}

// A workspace need not be made where the module is.
func TestListSeesNewWorkspaceAbove(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+"-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n"+
		"-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n")
	b := builderIn(t, dir, Options{})
	g := mustList(t, b)
	above := filepath.Dir(dir)
	work := filepath.Join(above, "go.work")
	if g.Err == nil || !slices.Contains(g.Dirs, above) || !g.Match(work) {
		t.Errorf("Err %v; Dirs %q; go.work must count", g.Err, g.Dirs)
	}
	write(t, work, "go 1.25\nuse ./project\nuse ./lib\n")
	if !g.Outdated([]string{filepath.Join(dir, "main.go")}) {
		t.Error("not outdated by a go.work that nobody saw coming")
	}
	if g := mustList(t, b); g.Err != nil || !g.Match(filepath.Join(above, "lib/lib.go")) {
		t.Errorf("Err %v; ../lib must count", g.Err)
	}
}

// A directory on the way to a package is replaced by another, or by a link: no event of those
// below it tells.
func TestListWatchesWhatIsAboveAPackage(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+"-- cmd/api/main.go --\npackage main\n\nimport _ \"example.com/m/in/a/b/low\"\n\nfunc main() {}\n-- in/a/b/low/low.go --\npackage low\n")
	g := mustList(t, builderIn(t, dir, Options{Packages: []string{"./cmd/api"}}))
	if got, want := relativeAll(dir, existing(dir, g.Dirs)), ". cmd cmd/api in in/a in/a/b in/a/b/low"; got != want {
		t.Errorf("dirs %q, want %q", got, want)
	}
	if runtime.GOOS == "linux" && !slices.Contains(g.Dirs, filepath.Dir(dir)) {
		t.Errorf("the module itself may be replaced: dirs %q", g.Dirs)
	}
	if err := os.MkdirAll(filepath.Join(dir, "..", ".git"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := repository(filepath.Join(dir, "cmd")); got != filepath.Dir(dir) {
		t.Errorf("the repository is %s", got)
	}
}

// A project that is renamed and put back while the go command runs is called by
// the name that it had meanwhile.
func TestListOfAProjectThatWasAway(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+mainGo+listens)
	b := builderIn(t, dir, Options{Adopt: true, Go: renamingGo(t, dir)})
	g := mustList(t, b)
	if got := sources(dir, g); got != "go.mod main.go" {
		t.Errorf("the files are %s", got)
	}
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("adopted for %q, want net", got)
	}
}

// renamingGo is a go command that renames dir, once, while it lists.
func renamingGo(t *testing.T, dir string) string {
	t.Helper()
	return script(t, fmt.Sprintf(`case "$*" in *" -deps "*) if mkdir %[1]s.once 2>/dev/null; then
	mv %[1]s %[1]s.away; go "$@"; code=$?; mv %[1]s.away %[1]s
	exit $code
fi;; esac
exec go "$@"
`, dir))
}

func TestListFails(t *testing.T) {
	t.Parallel()
	b := builderIn(t, project(t, gomod+hello), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want context.Canceled", err)
	}
	b.command.path = filepath.Join(t.TempDir(), "removed")
	if _, err := b.List(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("List: %v, want os.ErrNotExist", err)
	}
}

// A file written after the go command may have read it is not known.
func TestListKnowsNoNewerFile(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+hello)
	b := builderIn(t, dir, Options{})
	main := filepath.Join(dir, "main.go")
	if g := mustList(t, b); g.Outdated([]string{main}) {
		t.Error("outdated without a change")
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(main, later, later); err != nil {
		t.Fatal(err)
	}
	if g := mustList(t, b); !g.Outdated([]string{main}) {
		t.Error("not outdated, though written since")
	}
}

func BenchmarkList(b *testing.B) {
	builder, err := New(b.Context(), Options{Dir: ".", Packages: []string{"../cmd/hotstart"}, Output: b.TempDir()})
	if err != nil {
		b.Skip(err)
	}
	for b.Loop() {
		if _, err := builder.List(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// A replace that names a folder above the project must not have all of that watched.
func TestTreesAreNotAboveTheProject(t *testing.T) {
	t.Parallel()
	dir := project(t, "-- go.mod --\nmodule example.com/m\n\ngo 1.24\n\nrequire example.com/lib v0.0.0\n\n"+
		"replace example.com/lib => ..\n-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n")
	g := mustList(t, builderIn(t, dir, Options{}))
	above := filepath.Dir(dir)
	if g.Err == nil || !slices.Contains(g.Trees, dir) || slices.Contains(g.Trees, above) {
		t.Errorf("Err %v, Trees %q", g.Err, g.Trees)
	}
	if !g.Match(filepath.Join(above, "go.mod")) || !slices.Contains(g.Dirs, above) {
		t.Errorf("its go.mod is not waited for: Dirs %q", g.Dirs)
	}
}
