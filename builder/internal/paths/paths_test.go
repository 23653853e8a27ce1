package paths

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestBelow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		dir, path, rel string
		below, inside  bool
	}{
		{"/a", "/a/b/c", "b/c", true, true},
		{"/", "/a", "a", true, true},
		{"/a", "/a", "", false, true},
		{"/a", "/ab", "", false, false},
		{"/a/b", "/a", "", false, false},
		{"", "/a", "a", true, false},
	} {
		rel, ok := Below(test.dir, test.path)
		if ok != test.below || ok && rel != test.rel {
			t.Errorf("Below(%q, %q): %q, %v", test.dir, test.path, rel, ok)
		}
		if Inside(test.dir, test.path) != test.inside {
			t.Errorf("Inside(%q, %q) is %v", test.dir, test.path, !test.inside)
		}
	}
}

func TestExistingDir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if got, err := ExistingDir("."); err != nil || got != dir {
		t.Errorf("got %q, %v, want %q", got, err, dir)
	}
	if _, err := ExistingDir("missing"); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a missing directory: %v", err)
	}
	if _, err := ExistingDir("/dev/null"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
	if IsLocal("cmd/api") || !IsLocal("./cmd") || !IsLocal("..") || Absolute(dir, "../x") != filepath.Join(filepath.Dir(dir), "x") {
		t.Error("IsLocal or Absolute is wrong")
	}
}
