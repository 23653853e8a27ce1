package graph

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// What is taken away from a project that builds breaks it; what was known of it before
// must count until it is back.
func TestListRemembers(t *testing.T) {
	t.Parallel()
	const main = "-- cmd/api/main.go --\npackage main\n\nimport (\n\t_ \"example.com/lib\"\n\t_ \"example.com/m/store\"\n)\n\nfunc main() {}\n-- store/store.go --\npackage store\n\nimport \"embed\"\n\n//go:embed web\nvar x embed.FS\n-- store/web/x.html --\n"
	const lib = "-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n"
	const replace = buildtest.Module + "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n" + main + lib
	const work = "-- ../go.work --\ngo 1.25\nuse ./project\nuse ./lib\n" + buildtest.Module + main + lib
	tests := []struct {
		name    string
		archive string
		gone    string
		watched []string // directories
		counts  []string // files, those that repair the project among them
	}{
		{"go.mod", replace, "go.mod", []string{".", "store", "store/web", "cmd/api", "../lib"},
			[]string{"go.mod", "store/store.go", "store/new.go", "store/web/new.html", "cmd/api/main.go", "../lib/lib.go", "new/new.go"}},
		{"replaced module", replace, "../lib", []string{".", "store", "../lib"}, []string{"../lib/go.mod", "../lib/lib.go", "../lib/new/new.go", "store/store.go"}},
		{"workspace module", work, "../lib", []string{"..", "store", "../lib"}, []string{"../go.work", "../lib/go.mod", "../lib/lib.go", "../lib/new/new.go"}},
		{"go.work", work, "../go.work", []string{"..", "store", "../lib"}, []string{"../go.work", "../lib/lib.go", "store/store.go"}},
		{"a package", replace, "store", []string{".", "store", "store/web"}, []string{"store/store.go", "store/new.go", "store/web/x.html"}},
		{"embedded files", replace, "store/web", []string{"store", "store/web"}, []string{"store/web/x.html", "store/web/new/x.html"}},
		{"the project", replace, ".", []string{".", "store", "store/web", "../lib"}, []string{"go.mod", "store/store.go", "cmd/api/main.go", "../lib/lib.go"}},
		{"all of it", work, "..", []string{"..", ".", "store", "../lib"}, []string{"../go.work", "go.mod", "store/store.go"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := buildtest.Project(t, test.archive)
			l := listerIn(t, dir, project{Packages: []string{"./cmd/api"}})
			if g := mustList(t, l); g.Err != nil {
				t.Fatal(g.Err)
			}
			gone := filepath.Join(dir, test.gone)
			buildtest.Move(t, gone, gone+".away")
			for range 2 { // it is not forgotten at the second time either
				checkCounts(t, dir, mustList(t, l), test.watched, test.counts)
			}
			buildtest.Move(t, gone+".away", gone)
			if g := mustList(t, l); g.Err != nil || slices.Contains(g.Trees, dir) {
				t.Errorf("Err %v, trees %q of a project that is whole again", g.Err, g.Trees)
			}
		})
	}
}

// checkCounts checks a graph that is not fully loaded.
func checkCounts(t *testing.T, dir string, g *Graph, watched, counts []string) {
	t.Helper()
	if g.Err == nil {
		t.Error("it is fully loaded")
	}
	for _, name := range watched {
		if name = filepath.Join(dir, name); !slices.Contains(g.Dirs, name) && !slices.Contains(g.Trees, name) {
			t.Errorf("%s is not watched", name)
		}
	}
	for _, name := range counts {
		if name = filepath.Join(dir, name); !g.Match(name) || !g.Outdated([]string{name}) {
			t.Errorf("%s does not count", name)
		}
	}
}

// New finds the module; that it is gone before the first list has come is no reason to
// forget where it was.
func TestListRemembersTheModule(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	l := listerIn(t, dir, project{})
	gone := filepath.Join(dir, "go.mod")
	buildtest.Move(t, gone, gone+".away")
	checkCounts(t, dir, mustList(t, l), []string{"."}, []string{"go.mod", "main.go", "new/new.go"})
}

// Where go.mod was, another one above takes over, or none is needed: it builds, but not
// as before.
func TestListAwaitsGoMod(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		archive  string
		packages string
	}{
		"a module above": {"-- ../go.mod --\nmodule example.com/above\n" + buildtest.Module + buildtest.Hello, "."},
		"files":          {buildtest.Module + buildtest.Hello, "main.go"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := buildtest.Project(t, test.archive)
			l := listerIn(t, dir, project{Packages: []string{test.packages}})
			gone := filepath.Join(dir, "go.mod")
			buildtest.Move(t, gone, gone+".away")
			for range 2 {
				g := mustList(t, l)
				if g.Err != nil || !slices.Contains(g.Dirs, dir) || !g.Match(gone) || !g.Outdated([]string{gone}) {
					t.Errorf("Err %v; the return of go.mod must count", g.Err)
				}
			}
		})
	}
}
