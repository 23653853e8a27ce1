package graph

import (
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// The patterns match exactly the files that go list embeds.
func TestEmbedPatternsAgainstGo(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+embedding)
	g := mustList(t, listerIn(t, dir, project{}))
	for _, file := range []string{"one.txt", "two.txt", "static/a.css", "static/deep/b.css", "static/.git/c", "static/_d", "static/other/e",
		"web/f.html", "web/f.js", "web/sub/g.html", "hidden/.h", "hidden/_i/j"} {
		_, listed := g.Files[dir+"/"+file]
		if got := g.embeds(dir + "/" + file); got != listed {
			t.Errorf("%s: %v, in the list: %v", file, got, listed)
		}
	}
}

func TestEmbedPatternDirs(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, "-- a/b/c.txt --\n")
	for pattern, want := range map[string]struct{ dirs, root string }{
		"a":           {".", "a"},
		"all:a/b":     {". a", "a/b"},
		"a/b/c.txt":   {". a a/b", ""},
		"a/*/*.txt":   {". a", "a"},
		"none/*.txt":  {". none", "none"},
		"none/of":     {". none", "none/of"},
		"*.txt":       {".", "."},
		"[":           {".", "."},
		`a/\*`:        {". a", "a"},
		"a/[a-c]/d/e": {". a", "a"},
	} {
		p := newEmbedPattern(pattern)
		if got := relativeAll(dir, p.dirs(dir)); got != want.dirs {
			t.Errorf("%s: dirs %s, want %s", pattern, got, want.dirs)
		}
		got := p.root(dir)
		if got != "" {
			got = relative(dir, got)
		}
		if got != want.root {
			t.Errorf("%s: root %q, want %q", pattern, got, want.root)
		}
	}
}

// In the directories that patterns search, those directories are watched, new ones too, that may
// contain a match.
func TestEmbedTrees(t *testing.T) {
	t.Parallel()
	const source = "-- main.go --\npackage main\n\nimport \"embed\"\n\n//go:embed static web/*/*.html all:hidden *.txt\nvar files embed.FS\n\nfunc main() { println(files.Open) }\n"
	dir := buildtest.Project(t, buildtest.Module+source+"-- static/a --\n-- static/other/go.mod --\n-- web/a/b.html --\n-- hidden/a --\n-- a.txt --\n")
	g := mustList(t, listerIn(t, dir, project{}))
	if got, want := relativeAll(dir, g.Trees), ". hidden static web"; g.Err != nil || got != want {
		t.Fatalf("Err %v, trees %q, want %q", g.Err, got, want)
	}
	for name, skip := range map[string]bool{
		"static": false, "static/new": false, "static/new/deep": false, "static/node_modules": false, "static/testdata/x": false,
		"static/.x": true, "static/_x": true, "static/new/.git": true, "static/other": true, "static/other/x": true,
		"web/new": false, "web/.new": false, "web/new/deep": true, "web/new/x.html": false,
		"hidden/.x/_y": false, "hidden/.git": true, "hidden/x/.hg": true,
		"cmd": true, "dir.txt": false, "dir.txt/x": false, "..": true, "../static": true,
	} {
		if got := g.Skip(filepath.Join(dir, name)); got != skip {
			t.Errorf("Skip(%s) is %v", name, got)
		}
	}
	for name, want := range map[string]bool{"static/new/deep/x": true, "web/new/x.html": true, "x.go": true, "cmd/x.go": false, "static/x.go": true} {
		name = filepath.Join(dir, name)
		buildtest.Write(t, name, "package x\n")
		if g.Match(name) != want || g.Outdated([]string{name}) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
}
