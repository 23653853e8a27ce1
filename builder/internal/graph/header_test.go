package graph

import (
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestHeader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const source = "//go:build a\n\npackage p\n\nimport (\n\tb \"x/b\"\n\t\"a\"\n)\n\n\t//go:embed x y\nvar s = 1 +\n"
	for name, test := range map[string]struct{ content, want string }{
		"x.go":  {source, "p\n[\"a\" \"x/b\"]\n//go:build a\n//go:embed x y"},
		"x.s":   {"// +build a\n\n//go:embed x\nTEXT\n", "// +build a"},
		"x.txt": {"//go:build a\n", ""},
	} {
		file := filepath.Join(dir, name)
		buildtest.Write(t, file, test.content)
		if got, ok := header(file); got != test.want || !ok {
			t.Errorf("%s: %q, %v; want %q", name, got, ok, test.want)
		}
	}
	buildtest.Write(t, filepath.Join(dir, "broken.go"), "package")
	for _, name := range []string{"broken.go", "none.go", "none.s", "none.txt"} {
		if _, ok := header(filepath.Join(dir, name)); ok {
			t.Errorf("%s has a header", name)
		}
	}
}
