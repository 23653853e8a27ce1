package settings

import (
	"os"
	"path/filepath"
	"testing"
)

// writeFiles makes files with what they contain, and their folders.
func writeFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindConfig(t *testing.T) {
	for _, c := range []struct {
		name, from string
		files      []string
		gowork     string // a path below the root, or off
		want       string // "": none
		root       string
	}{
		{"here", "a", []string{"a/hotstart.toml", "hotstart.toml", "go.mod"}, "", "a/hotstart.toml", "."},
		{"in the module", "a/b", []string{"a/hotstart.toml", "a/go.mod"}, "", "a/hotstart.toml", "a"},
		{"not above the module", "a/b", []string{"hotstart.toml", "a/go.mod"}, "", "", "a"},
		{"not above the module in a repository", "a/b", []string{"hotstart.toml", ".git/HEAD", "a/go.mod"}, "", "", "a"},
		{"not above an inner module", "a/b", []string{"hotstart.toml", "go.mod", "a/b/go.mod"}, "", "", "a/b"},
		{"in the workspace", "a/b", []string{"hotstart.toml", "go.work", "a/b/go.mod"}, "", "hotstart.toml", "."},
		{"not above the workspace", "a/b", []string{"hotstart.toml", "a/go.work", "a/b/go.mod"}, "", "", "a"},
		{"with the workspace off", "a/b", []string{"hotstart.toml", "go.work", "a/b/go.mod"}, "off", "", "a/b"},
		{"in the workspace that is named", "a/b", []string{"hotstart.toml", "go.work", "a/go.work"}, "go.work", "hotstart.toml", "."},
		{"outside of any, here", "a/b", []string{"hotstart.toml", ".git/HEAD", "a/b/hotstart.toml"}, "", "a/b/hotstart.toml", "a/b"},
		{"outside of any, above", "a/b", []string{"hotstart.toml", ".git/HEAD"}, "", "", "a/b"},
	} {
		root := t.TempDir()
		files := map[string]string{c.from + "/x": ""}
		for _, name := range c.files {
			files[name] = ""
		}
		writeFiles(t, root, files)
		if c.gowork != "" && c.gowork != "off" {
			c.gowork = filepath.Join(root, c.gowork)
		}
		t.Setenv("GOWORK", c.gowork)
		want, found := filepath.Join(root, c.want), c.want != ""
		if !found {
			want = filepath.Join(root, c.from, FileName)
		}
		got, top := findFile(filepath.Join(root, c.from))
		if got != want || isFile(got) != found || top != filepath.Join(root, c.root) {
			t.Errorf("%s: %s up to %s, want %s up to %s", c.name, got, top, want, c.root)
		}
	}
}
