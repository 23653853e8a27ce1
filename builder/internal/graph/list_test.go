package graph

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

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// sources returns the files of a graph that exist, relative to dir, sorted.
func sources(dir string, g *Graph) string {
	var names []string
	for name := range g.Files {
		if _, err := os.Stat(name); err == nil {
			names = append(names, relative(dir, name))
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// existing returns the existing directories, except those above dir.
func existing(dir string, names []string) (found []string) {
	for _, name := range names {
		if paths.Exists(name) && (name == dir || !paths.Inside(name, dir)) {
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
		options project
		root    string
		files   string
		dirs    string
		trees   string
	}{
		{"plain", buildtest.Module + "-- go.sum --\n-- main.go --\npackage main\n\nimport (\n\t\"fmt\"\n\n\t_ \"example.com/m/a\"\n)\n\nfunc main() { fmt.Println() }\n" +
			"-- main_test.go --\npackage main\n-- a/a.go --\npackage a\n-- a/a_windows.go --\npackage a\n-- b/b.go --\npackage b\n-- README --\n-- _x.go --\npackage x\n",
			project{}, "example.com/m", "a/a.go go.mod go.sum main.go", ". a", ""},
		{"tags", buildtest.Module + buildtest.Hello + "-- dev.go --\n//go:build dev\n\npackage main\n-- prod.go --\n//go:build !dev\n\npackage main\n",
			project{UserFlags: []string{"-tags", "dev"}}, "example.com/m", "dev.go go.mod main.go", ".", ""},
		{"a program below", buildtest.Module + buildtest.Hello + "-- cmd/api/main.go --\npackage main\n", project{Packages: []string{"./cmd/api"}},
			"example.com/m/cmd/api", "cmd/api/main.go go.mod", ". cmd cmd/api", ""},
		{"assembly", buildtest.Module + buildtest.Hello + "-- f.s --\n-- f.h --\n-- x.syso --\n", project{}, "example.com/m", "f.h f.s go.mod main.go x.syso", ".", ""},
		{"cgo", buildtest.Module + "-- main.go --\npackage main\n\nimport \"C\"\n\nfunc main() {}\n-- f.c --\n-- f.h --\n-- sub/g.c --\n",
			project{}, "example.com/m", "f.c f.h go.mod main.go", ".", ""},
		{"embed", buildtest.Module + embedding, project{}, "example.com/m",
			"go.mod hidden/.h hidden/_i/j main.go one.txt static/a.css static/deep/b.css web/f.html", ". hidden hidden/_i static static/deep web", "hidden static web"},
		{"replaced", buildtest.Module + replace + usesLib + lib, project{}, "example.com/m", "../lib/go.mod ../lib/lib.go go.mod main.go", "../lib .", ""},
		{"workspace", buildtest.Module + "-- go.work --\ngo 1.25\nuse (\n\t. // here\n\t\"../lib\"\n)\nuse ./other\n-- other/go.mod --\nmodule example.com/other\n" + usesLib + lib,
			project{}, "example.com/m", "../lib/go.mod ../lib/lib.go go.mod go.work main.go other/go.mod", "../lib . other", ""},
		{"vendored", buildtest.Module + "require example.com/lib v1.0.0\n" + usesLib + "-- vendor/modules.txt --\n# example.com/lib v1.0.0\n## explicit\nexample.com/lib\n" +
			"-- vendor/example.com/lib/lib.go --\npackage lib\n-- vendor/example.com/lib/lib_test.go --\npackage lib\n",
			project{}, "example.com/m", "go.mod main.go vendor/example.com/lib/lib.go vendor/modules.txt", ". vendor vendor/example.com vendor/example.com/lib", ""},
		{"files", buildtest.Module + buildtest.Hello + "-- b.go --\npackage main\n-- c.go --\npackage main\n", project{Packages: []string{"main.go", "b.go"}},
			"command-line-arguments", "b.go go.mod main.go", ".", ""},
		{"another go.mod", buildtest.Module + "-- dev.mod --\nmodule example.com/m\n\ngo 1.25\n" + replace + "-- dev.sum --\n" + usesLib + lib,
			project{UserFlags: []string{"-modfile=dev.mod"}}, "example.com/m", "../lib/go.mod ../lib/lib.go dev.mod dev.sum go.mod main.go", "../lib .", ""},
		{"a profile", buildtest.Module + buildtest.Hello + "-- default.pgo --\n", project{Debug: true}, "example.com/m", "default.pgo go.mod main.go", ".", ""},
		{"a profile next to files", buildtest.Module + buildtest.Hello + "-- default.pgo --\n", project{Debug: true, Packages: []string{"main.go"}},
			"command-line-arguments", "default.pgo go.mod main.go", ".", ""},
		{"no profile", buildtest.Module + buildtest.Hello + "-- default.pgo --\n", project{}, "example.com/m", "go.mod main.go", ".", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.name == "cgo" {
				buildtest.NeedGCC(t)
			}
			dir := buildtest.Project(t, test.archive)
			g := mustList(t, listerIn(t, dir, test.options))
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
			for name := range g.Files {
				if !g.Match(name) {
					t.Errorf("no match for %s", name)
				}
			}
		})
	}
}

func TestListSymlinkedFile(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello+"-- ../shared/x.go --\npackage main\n")
	if err := os.Symlink("../shared/x.go", filepath.Join(dir, "x.go")); err != nil {
		t.Fatal(err)
	}
	g := mustList(t, listerIn(t, dir, project{}))
	if got, want := sources(dir, g), "../shared/x.go go.mod main.go x.go"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	if got, want := relativeAll(dir, existing(dir, g.Dirs)), ". ../shared"; got != want {
		t.Errorf("dirs %q, want %q", got, want)
	}
}

func TestListOverlay(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	back := filepath.Join(filepath.Dir(dir), "back.go")
	buildtest.Write(t, back, "package main\n")
	buildtest.Write(t, filepath.Join(dir, "overlay.json"), fmt.Sprintf(`{"Replace": {%q: %q, %q: ""}}`, filepath.Join(dir, "added.go"), back, filepath.Join(dir, "gone.go")))
	g := mustList(t, listerIn(t, dir, project{UserFlags: []string{"-overlay", "overlay.json"}}))
	if got, want := sources(dir, g), "../back.go go.mod main.go overlay.json"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
	if !g.Match(filepath.Join(dir, "added.go")) || !g.Outdated([]string{filepath.Join(dir, "overlay.json")}) {
		t.Error("the overlay does not match")
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
		{"a missing package", buildtest.Module + "-- main.go --\npackage main\n\nimport (\n\t_ \"example.com/m/a\"\n\t_ \"example.com/m/b\"\n)\n-- b/b.go --\npackage b\n",
			"example.com/m", "b/b.go go.mod main.go", ".", "main.go:4:2: no required module provides package example.com/m/a"},
		{"no go.sum", buildtest.Module + "require golang.org/x/sys v0.1.0\n-- main.go --\npackage main\n\nimport _ \"golang.org/x/sys/unix\"\n",
			"example.com/m", "go.mod main.go", ".", "main.go:3:8: missing go.sum entry"},
		{"a syntax error", buildtest.Module + "-- main.go --\npackage main\n\nimport _ \"example.com/m/b\"\n-- x.go --\npackage main\n\nimport \"fmt\n-- b/b.go --\npackage b\n",
			"example.com/m", "b/b.go go.mod main.go x.go", ".", "x.go:3:8: string literal not terminated"},
		{"an empty directory", buildtest.Module + "-- x/x.go --\npackage x\n", "", "go.mod", ".", "no Go files in "},
		{"embeds nothing", buildtest.Module + "-- main.go --\npackage main\n\nimport _ \"embed\"\n\n//go:embed *.txt\nvar s string\n",
			"example.com/m", "go.mod main.go", ".", "main.go:5:12: pattern *.txt: no matching files found"},
		{"a workspace with a missing module", buildtest.Module + "-- go.work --\ngo 1.25\nuse (\n\t.\n\t./nope\n\t../lib\n)\n-- ../lib/go.mod --\nmodule lib\n" + buildtest.Hello,
			"", "../lib/go.mod go.mod go.work", "../lib . nope", "cannot load module nope"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := buildtest.Project(t, test.archive)
			g := mustList(t, listerIn(t, dir, project{Packages: []string{"."}}))
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

// A workspace is made after the first list.
func TestListSeesNewWorkspace(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n")
	l := listerIn(t, dir, project{})
	g := mustList(t, l)
	work := filepath.Join(dir, "go.work")
	if g.Err == nil || !g.Match(work) || !g.Outdated([]string{work}) {
		t.Errorf("Err %v; go.work must match", g.Err)
	}
	buildtest.Write(t, work, "go 1.25\nuse .\nuse ../lib\n")
	if g := mustList(t, l); g.Err != nil || !g.Match(filepath.Join(dir, "../lib/lib.go")) {
		t.Errorf("Err %v; ../lib must match", g.Err)
	}
}

// The go.work of a workspace may be above the module.
func TestListSeesNewWorkspaceAbove(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n"+
		"-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n")
	l := listerIn(t, dir, project{})
	g := mustList(t, l)
	above := filepath.Dir(dir)
	work := filepath.Join(above, "go.work")
	if g.Err == nil || !slices.Contains(g.Dirs, above) || !g.Match(work) {
		t.Errorf("Err %v; Dirs %q; go.work must match", g.Err, g.Dirs)
	}
	buildtest.Write(t, work, "go 1.25\nuse ./project\nuse ./lib\n")
	if !g.Outdated([]string{filepath.Join(dir, "main.go")}) {
		t.Error("not outdated by a new go.work in a directory that is not watched")
	}
	if g := mustList(t, l); g.Err != nil || !g.Match(filepath.Join(above, "lib/lib.go")) {
		t.Errorf("Err %v; ../lib must match", g.Err)
	}
}

// The directories above a package are watched: if one of them is replaced by another directory or by
// a link, there is no event below it.
func TestListWatchesDirectoriesAboveAPackage(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- cmd/api/main.go --\npackage main\n\nimport _ \"example.com/m/in/a/b/low\"\n\nfunc main() {}\n-- in/a/b/low/low.go --\npackage low\n")
	g := mustList(t, listerIn(t, dir, project{Packages: []string{"./cmd/api"}}))
	if got, want := relativeAll(dir, existing(dir, g.Dirs)), ". cmd cmd/api in in/a in/a/b in/a/b/low"; got != want {
		t.Errorf("dirs %q, want %q", got, want)
	}
	if runtime.GOOS == "linux" && !slices.Contains(g.Dirs, filepath.Dir(dir)) {
		t.Errorf("the parent of the module is not watched: dirs %q", g.Dirs)
	}
	if err := os.MkdirAll(filepath.Join(dir, "..", ".git"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := repository(filepath.Join(dir, "cmd")); got != filepath.Dir(dir) {
		t.Errorf("the repository is %s", got)
	}
}

func TestListFails(t *testing.T) {
	t.Parallel()
	l := listerIn(t, buildtest.Project(t, buildtest.Module+buildtest.Hello), project{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v, want context.Canceled", err)
	}
	l.project.Go = filepath.Join(t.TempDir(), "removed")
	if _, err := l.List(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("List: %v, want os.ErrNotExist", err)
	}
}

// The header of a file is unknown if the file was written after the go command may have read it.
func TestListKnowsNoNewerFile(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	l := listerIn(t, dir, project{})
	main := filepath.Join(dir, "main.go")
	if g := mustList(t, l); g.Outdated([]string{main}) {
		t.Error("outdated without a change")
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(main, later, later); err != nil {
		t.Fatal(err)
	}
	if g := mustList(t, l); !g.Outdated([]string{main}) {
		t.Error("not outdated, although the file was written since")
	}
}

func BenchmarkList(b *testing.B) {
	l := listerIn(b, "../../..", project{Packages: []string{"./cmd/hotstart"}})
	for b.Loop() {
		mustList(b, l)
	}
}

// A replace directive with a directory above the project does not make a tree of that directory.
func TestTreesAreNotAboveTheProject(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, "-- go.mod --\nmodule example.com/m\n\ngo 1.24\n\nrequire example.com/lib v0.0.0\n\n"+
		"replace example.com/lib => ..\n-- main.go --\npackage main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n")
	g := mustList(t, listerIn(t, dir, project{}))
	above := filepath.Dir(dir)
	if g.Err == nil || !slices.Contains(g.Trees, dir) || slices.Contains(g.Trees, above) {
		t.Errorf("Err %v, Trees %q", g.Err, g.Trees)
	}
	if !g.Match(filepath.Join(above, "go.mod")) || !slices.Contains(g.Dirs, above) {
		t.Errorf("its go.mod is not watched: Dirs %q", g.Dirs)
	}
}

// During a list, a directory is replaced by another one: the go command has read other files.
func TestListKnowsNoMovedFile(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nimport _ \"example.com/m/in/a/low\"\n\nfunc main() {}\n"+
		"-- in/a/low/low.go --\npackage low\n-- in/b/low/low.go --\npackage low\n\nimport _ \"fmt\"\n")
	swap := buildtest.Script(t, fmt.Sprintf(`case "$*" in *" -deps "*) go "$@"; code=$?; mv %[1]s/in/a %[1]s/in/c; mv %[1]s/in/b %[1]s/in/a; exit $code;; esac
exec go "$@"
`, dir))
	g := mustList(t, listerIn(t, dir, project{Go: swap}))
	if low := filepath.Join(dir, "in/a/low/low.go"); !g.Outdated([]string{low}) {
		t.Error("not outdated by a file that the list has not read")
	}
}

// In a project that is reached through a symbolic link, all names contain the link.
func TestListSymlinked(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nimport _ \"example.com/m/a\"\n\nfunc main() {}\n-- a/a.go --\npackage a\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{"by default": nil, "environment given": append(os.Environ(), "PWD="+dir)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := mustList(t, listerIn(t, link, project{Environ: env}))
			if got, want := relativeAll(link, existing(link, g.Dirs)), ". a"; got != want {
				t.Errorf("dirs %q, want %q", got, want)
			}
			if got, want := sources(link, g), "a/a.go go.mod main.go"; got != want {
				t.Errorf("files %q, want %q", got, want)
			}
		})
	}
}

// Names that are not valid UTF-8 are listed as on the disk, not as JSON would change them.
func TestListOfNamesThatAreNotUTF8(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "caf\xe9")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Skipf("this file system does not support such names: %v", err)
	}
	for name, content := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "x\xe9.go": "package main\n",
		"main.go": "package main\n\nimport _ \"net\"\n\nfunc main() {}\n", "quote\"d.go": "package main\n"} {
		buildtest.Write(t, filepath.Join(dir, name), content)
	}
	g := mustList(t, listerIn(t, dir, project{}))
	if got, want := sources(dir, g), "go.mod main.go quote\"d.go x\xe9.go"; got != want || g.Err != nil || g.Missing != nil {
		t.Errorf("files %q, want %q; Err %v, Missing %q", got, want, g.Err, g.Missing)
	}
}

// A project is renamed and restored while the go command lists: the go command uses the name
// that the project had for a moment.
func TestListOfAProjectThatWasRenamed(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	g := mustList(t, listerIn(t, dir, project{Go: buildtest.RenamingGo(t, dir)}))
	if got := sources(dir, g); got != "go.mod main.go" {
		t.Errorf("the files are %s", got)
	}
}
