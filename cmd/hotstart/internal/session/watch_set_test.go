package session

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder"
)

func TestCrowdedDirectoriesAreNotWatched(t *testing.T) {
	f := watchSet(&builder.Graph{}, mustReadPatterns(t, Options{Watch: []string{"web/**/*.html"}, Ignore: []string{"web/old"}}))
	for dir, want := range map[string]bool{
		"/app/web/pages":        false,
		"/app/web/old":          true,
		"/app/web/node_modules": true,
		"/app/web/.git":         true,
		"/app/cmd":              true,
	} {
		if got := f.Skip(dir); got != want {
			t.Errorf("Skip(%q) = %v", dir, got)
		}
	}
}

func TestFilesOfABrokenModuleAreWatchedEverywhere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module (\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	b, err := builder.New(t.Context(), builder.Options{Dir: dir, Packages: []string{"."}, Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := watchSet(g, mustReadPatterns(t, Options{}))
	for name, want := range map[string]bool{"cmd": false, "node_modules": true, ".git": true} {
		if got := f.Skip(filepath.Join(dir, name)); got != want {
			t.Errorf("Skip(%q) = %v", name, got)
		}
	}
}

func mustReadPatterns(t *testing.T, o Options) patterns {
	t.Helper()
	o.Dir = "/app"
	p, err := newPatterns(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}
