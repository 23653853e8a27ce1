package builder

import (
	"slices"
	"testing"
)

// What go list embeds is what the patterns take, and no other file.
func TestEmbedPatternsAgainstGo(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+embedding)
	g := mustList(t, builderIn(t, dir, Options{}))
	for _, file := range []string{"one.txt", "two.txt", "static/a.css", "static/deep/b.css", "static/.git/c", "static/_d", "static/other/e",
		"web/f.html", "web/f.js", "web/sub/g.html", "hidden/.h", "hidden/_i/j"} {
		_, listed := g.files[dir+"/"+file]
		if got := g.embedded(dir + "/" + file); got != listed {
			t.Errorf("%s: %v, the go command says %v", file, got, listed)
		}
	}
}

func TestEmbedPatternDirs(t *testing.T) {
	t.Parallel()
	dir := project(t, "-- a/b/c.txt --\n-- a/b/d/e.txt --\n-- a/x/y.txt --\n-- a/.h/y.txt --\n-- z/y.txt --\n")
	for pattern, want := range map[string]string{
		"a":          ". a a/b a/b/d a/x",
		"all:a":      ". a a/.h a/b a/b/d a/x",
		"a/*/*.txt":  ". a a/.h a/b a/x",
		"a/b/*":      ". a a/b a/b/d",
		"none/*.txt": ".",
		"*.txt":      ".",
		"[":          ".",
	} {
		dirs := newEmbedPattern(pattern).dirs(dir)
		slices.Sort(dirs)
		if got := relativeAll(dir, slices.Compact(dirs)); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}
