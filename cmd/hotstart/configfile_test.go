package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFoldersUp(t *testing.T) {
	for _, c := range []struct {
		name, from string
		files      []string
		want       string
	}{
		{"here", "a", []string{"a/hotstart.toml", "hotstart.toml", ".git/HEAD"}, "a/hotstart.toml"},
		{"above, in the repository", "a/b", []string{"hotstart.toml", "a/b/go.mod", ".git/HEAD"}, "hotstart.toml"},
		{"not above the repository", "a/b", []string{"hotstart.toml", "a/.git/HEAD"}, ""},
		{"in the root of the repository", "a/b", []string{"a/hotstart.toml", "a/.git/HEAD"}, "a/hotstart.toml"},
		{"a worktree, whose .git is a file", "a/b", []string{"hotstart.toml", "a/.git"}, ""},
		{"in the module", "a/b", []string{"a/hotstart.toml", "a/go.mod"}, "a/hotstart.toml"},
		{"not above the module", "a/b", []string{"hotstart.toml", "a/go.mod"}, ""},
		{"nowhere", "a/b", []string{"hotstart.toml"}, ""},
	} {
		root := t.TempDir()
		for _, file := range append(c.files, c.from+"/x") {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, found := findConfig(filepath.Join(root, c.from))
		if want := filepath.Join(root, c.want); found != (c.want != "") || found && got != want {
			t.Errorf("%s: %s, %v, not %s", c.name, got, found, c.want)
		}
	}
}
