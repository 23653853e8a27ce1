package watcher

import (
	"os"
	"slices"
	"testing"
)

// Directories move while they are scanned for the first time.
func TestDirectoryMovesWhileTheSetIsReplaced(t *testing.T) {
	t.Parallel()
	var f *fixture
	f = watch(t, Options{events: refusing(func(dir string) error {
		if dir == f.path("t/b") {
			f.rename("t/a", "t/b/a")
		}
		return nil
	})})
	f.mkdir("t/a")
	f.mkdir("t/b")
	f.write("t/a/x", "x")
	f.set(Files{Trees: f.paths("t")})
	f.write("t/b/a/x", "y")
	f.expect("t/b/a/x")
	if got := f.watches(); !slices.Equal(got, []string{"t", "t/b", "t/b/a"}) {
		t.Errorf("the kernel watches %q", got)
	}
}

func TestWatchesAreByInode(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.mkdir("a")
	f.mkdir("b")
	must(t, os.Symlink("a", f.path("link")))
	s, err := openSource()
	must(t, err)
	defer s.close()
	e := newWatches()
	e.kernel = s
	open := func(names ...string) {
		t.Helper()
		for _, name := range names {
			must(t, e.open(f.path(name)))
		}
	}
	kernel := func(want ...string) {
		t.Helper()
		if len(e.byInode) != len(want) {
			t.Errorf("%d watches, want %q", len(e.byInode), want)
		}
		for _, name := range want {
			if e.byLabel(f.path(name)) == nil {
				t.Errorf("no watch is called %s", name)
			}
		}
	}
	lost := func(want ...string) {
		t.Helper()
		if got := e.takeLost(); !slices.Equal(got, f.paths(want...)) {
			t.Errorf("lost %q, want %q", got, want)
		}
	}

	open("a", "a", "link", "b")
	kernel("a", "b")
	e.close(f.path("link"))
	kernel("a", "b")
	lost()

	open("link")
	e.close(f.path("a"))
	kernel("b")
	lost("link")

	open("link")
	kernel("link", "b")
	f.rename("b", "c")
	open("c")
	kernel("link", "c")
	lost("b")

	f.removeAll("link")
	f.rename("c", "link") // the name leads to what c was
	open("link")
	kernel("link")
	lost("c")

	e.close(f.path("link"))
	e.close(f.path("link"))
	kernel()
	if err := e.open(f.path("missing")); !isMissing(err) {
		t.Errorf("opening what is missing: %v", err)
	}
}
