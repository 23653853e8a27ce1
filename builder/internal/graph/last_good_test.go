package graph

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// A removed directory or file breaks the project. The files of the last good graph match until it
// is back.
func TestListRemembers(t *testing.T) {
	t.Parallel()
	const main = "-- cmd/api/main.go --\npackage main\n\nimport (\n\t_ \"example.com/lib\"\n\t_ \"example.com/m/store\"\n)\n\nfunc main() {}\n-- store/store.go --\npackage store\n\nimport \"embed\"\n\n//go:embed web\nvar x embed.FS\n-- store/web/x.html --\n"
	const lib = "-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n"
	const replace = buildtest.Module + "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n" + main + lib
	const work = "-- ../go.work --\ngo 1.25\nuse ./project\nuse ./lib\n" + buildtest.Module + main + lib
	tests := []struct {
		name    string
		archive string
		removed string
		watched []string // directories
		matches []string // files, among them those that repair the project
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
			removed := filepath.Join(dir, test.removed)
			buildtest.Move(t, removed, removed+".away")
			for range 2 { // the second graph is merged, too
				checkIncomplete(t, dir, mustList(t, l), test.watched, test.matches)
			}
			buildtest.Move(t, removed+".away", removed)
			if g := mustList(t, l); g.Err != nil || slices.Contains(g.Trees, dir) {
				t.Errorf("Err %v, trees %q of a repaired project", g.Err, g.Trees)
			}
		})
	}
}

// checkIncomplete checks an incomplete graph.
func checkIncomplete(t *testing.T, dir string, g *Graph, watched, matches []string) {
	t.Helper()
	if g.Err == nil {
		t.Error("the graph is complete")
	}
	for _, name := range watched {
		if name = filepath.Join(dir, name); !slices.Contains(g.Dirs, name) && !slices.Contains(g.Trees, name) {
			t.Errorf("%s is not watched", name)
		}
	}
	for _, name := range matches {
		if name = filepath.Join(dir, name); !g.Match(name) || !g.Outdated([]string{name}) {
			t.Errorf("%s does not match", name)
		}
	}
}

// The module is known from the start, even if go.mod is removed before the first list.
func TestListRemembersTheModule(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	l := listerIn(t, dir, project{})
	removed := filepath.Join(dir, "go.mod")
	buildtest.Move(t, removed, removed+".away")
	checkIncomplete(t, dir, mustList(t, l), []string{"."}, []string{"go.mod", "main.go", "new/new.go"})
}

// Without its go.mod, the program builds with another one above, or does not need one. Its return
// would change the build.
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
			removed := filepath.Join(dir, "go.mod")
			buildtest.Move(t, removed, removed+".away")
			for range 2 {
				g := mustList(t, l)
				if g.Err != nil || !slices.Contains(g.Dirs, dir) || !g.Match(removed) || !g.Outdated([]string{removed}) {
					t.Errorf("Err %v; the return of go.mod must match", g.Err)
				}
			}
		})
	}
}
