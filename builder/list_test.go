package builder

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func mustList(t *testing.T, b *Builder) *Graph {
	t.Helper()
	g, err := b.List(t.Context())
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return g
}

// In a project that is reached through a symbolic link, diagnostics contain the link.
func TestBuildSymlinked(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nfunc main() { x }\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string][]string{"by default": nil, "environment given": append(os.Environ(), "PWD="+dir)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := builderIn(t, link, Options{Env: env}).Build(t.Context())
			if failed := new(BuildError); !errors.As(err, &failed) || failed.Diagnostics[0].File != filepath.Join(link, "main.go") {
				t.Errorf("Build: %v, want an error in the linked main.go", err)
			}
		})
	}
}

// An overlay can't name a directory whose name is not valid UTF-8.
func TestAdoptOfNamesThatAreNotUTF8(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "caf\xe9")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Skipf("this file system does not support such names: %v", err)
	}
	for name, content := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n", "x\xe9.go": "package main\n",
		"main.go": "package main\n\nimport _ \"net\"\n\nfunc main() {}\n", "quote\"d.go": "package main\n"} {
		buildtest.Write(t, filepath.Join(dir, name), content)
	}
	b := builderIn(t, dir, Options{Adopt: true, FastBuild: FastBuildAuto})
	for range 2 { // the second build is after a list
		mustBuild(t, b)
		if what, err := b.Instrumentation(); what != "" || err == nil || !strings.Contains(err.Error(), "not UTF-8") {
			t.Errorf("Instrumentation returns %q, %v", what, err)
		}
		if g := mustList(t, b); g.Err != nil || g.Missing != nil {
			t.Errorf("Err %v, Missing %q", g.Err, g.Missing)
		}
	}
}

// A project is renamed and restored while the go command lists: the go command uses the name
// that the project had for a moment.
func TestAdoptAfterAListOfARenamedProject(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+mainGo+listens)
	b := builderIn(t, dir, Options{Adopt: true, Go: buildtest.RenamingGo(t, dir)})
	mustList(t, b)
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("instrumented for %q, want net", got)
	}
}

// Source finds the sources of a program by the names that the program itself prints.
func TestSourceOfTrimmedNames(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	const where = "\nimport \"runtime\"\n\nfunc %s() string { _, file, _, _ := runtime.Caller(0); return file }\n"
	dir := buildtest.Project(t, buildtest.Module+"require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n"+
		"-- cmd/api/main.go --\npackage main\n"+fmt.Sprintf(strings.Replace(where, "import", "import (\n\"example.com/lib/sub\"\n\"example.com/m/low\"\n\"os\"\n)\nimport", 1), "here")+
		"func main() { os.WriteFile(os.Args[1], []byte(here()+\"\\n\"+low.Here()+\"\\n\"+sub.Here()), 0o666) }\n"+
		"-- low/low.go --\npackage low\n"+fmt.Sprintf(where, "Here")+
		"-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/sub/sub.go --\npackage sub\n"+fmt.Sprintf(where, "Here"))
	for _, packages := range []string{"./cmd/api", "cmd/api/main.go"} {
		b := builderIn(t, dir, Options{Packages: []string{packages}, Flags: []string{"-trimpath"}})
		g := mustList(t, b)
		out := filepath.Join(t.TempDir(), "out")
		if err := exec.Command(mustBuild(t, b).Path, out).Run(); err != nil {
			t.Fatal(err)
		}
		said, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		var sources []string
		for line := range strings.Lines(string(said)) {
			sources = append(sources, g.Source(strings.TrimSpace(line)))
		}
		want := []string{filepath.Join(dir, "cmd/api/main.go"), filepath.Join(dir, "low/low.go"), filepath.Join(dir, "../lib/sub/sub.go")}
		if !slices.Equal(sources, want) {
			t.Errorf("%s: %q is %q, want %q", packages, said, sources, want)
		}
	}
	if got := mustList(t, builderIn(t, dir, Options{Packages: []string{"./cmd/api"}})).Source("runtime/panic.go"); got != "" {
		t.Errorf("Source of a file of the runtime: %s", got)
	}
}

// The go command ignores changes of included files in other directories.
func TestIncludesAreBuilt(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("the assembly is for amd64")
	}
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nimport \"os\"\n\nfunc value() int\n\nfunc main() { os.Stdout.WriteString(string(rune('0' + value()))) }\n"+
		"-- value_amd64.s --\n#include \"inc/value.h\"\n\nTEXT ·value(SB), 4, $0-8\n\tMOVQ $VALUE, ret+0(FP)\n\tRET\n-- inc/value.h --\n#define VALUE 1\n")
	ways := [][]string{nil, {"-gcflags=all=-N -l"}}
	if os.Getenv("HOTSTART_LONG") == "" {
		ways = ways[:1] // the other one compiles a part of the standard library
	}
	for _, flags := range ways {
		buildtest.Write(t, filepath.Join(dir, "inc/value.h"), "#define VALUE 1\n")
		b := builderIn(t, dir, Options{Flags: flags, FastBuild: FastBuildAuto})
		for _, value := range []string{"1", "2", "3", "1"} {
			header := filepath.Join(dir, "inc/value.h")
			buildtest.Write(t, header, "#define VALUE "+value+"\n")
			if out, err := exec.Command(mustBuild(t, b).Path).Output(); err != nil || string(out) != value {
				t.Errorf("%q, %v, want %s", out, err, value)
			}
			if g := mustList(t, b); g.Err != nil || !g.Match(header) || !strings.Contains(strings.Join(g.Dirs, " "), filepath.Join(dir, "inc")) {
				t.Errorf("Err %v; the header is not in the graph", g.Err)
			}
		}
	}
}
