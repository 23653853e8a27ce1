package adopt_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/adopt"
)

// The files of one build must not get into another build.
func TestCache(t *testing.T) {
	t.Parallel()
	b, err := ofDir(module(t, map[string]string{"main.go": listens}))
	if err != nil {
		t.Fatal(err)
	}
	cache := adopt.Cache{}
	net := b.Imports
	http := append(net[:len(net):len(net)], "net/http")
	grpc := append(http[:len(http):len(http)], "google.golang.org/grpc")
	for _, step := range []struct {
		what   string
		change func(*adopt.Build)
	}{
		{"at first", func(*adopt.Build) {}},
		{"again", func(*adopt.Build) {}},
		{"with net/http", func(b *adopt.Build) { b.Imports = http }},
		{"with grpc", func(b *adopt.Build) { b.Imports = grpc }},
		{"without net/http", func(b *adopt.Build) { b.Imports = net }},
		{"on a system without hooks", func(b *adopt.Build) { b.GOOS = "plan9" }},
		{"back", func(b *adopt.Build) { b.GOOS = "linux" }},
		{"outside a module", func(b *adopt.Build) { b.Path = "" }},
	} {
		step.change(&b)
		b.Cache = nil
		want, wantErr := generated(t, b)
		b.Cache = cache
		got, gotErr := generated(t, b)
		if (gotErr == nil) != (wantErr == nil) || !maps.Equal(got, want) {
			t.Errorf("%s: with a cache %v and %d files, without %v and %d files", step.what, gotErr, len(got), wantErr, len(want))
		}
	}
}

// generated returns what Adopt writes into an empty directory, by name.
func generated(t *testing.T, b adopt.Build) (map[string]string, error) {
	t.Helper()
	b.Output = t.TempDir()
	_, err := b.Adopt()
	files := map[string]string{}
	filepath.WalkDir(b.Output, func(name string, d fs.DirEntry, _ error) error {
		if !d.IsDir() && d.Name() != "overlay.json" { // it has the name of the directory
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(b.Output, name)
			files[rel] = string(content)
		}
		return nil
	})
	return files, err
}

func BenchmarkAdopt(b *testing.B) {
	build, err := ofDir(module(b, map[string]string{"main.go": listens}))
	if err != nil {
		b.Fatal(err)
	}
	build.Imports = append(build.Imports, "net/http")
	build.Output = b.TempDir()
	for _, cache := range []adopt.Cache{nil, {}} {
		name := "first"
		if build.Cache = cache; cache != nil {
			name = "next"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := build.Adopt(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
