package watcher

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	// A directory whose own name looks like a pattern.
	dir := filepath.Join(t.TempDir(), "[app] {1}")
	for _, d := range []string{"web/css", "app/[id]", "lib", "tmp"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o777))
	}
	write(t, filepath.Join(dir, "config.yaml"), "")
	for _, test := range []struct {
		watch, ignore string // separated by spaces
		yes, no       string // files, watched or not
		trees         string // relative to dir
		skip, enter   string // directories
	}{
		{watch: "web", yes: "web/a web/css/b web/c/d/e", no: "website/a a web2", trees: "web", enter: "web web/css", skip: "lib"},
		{watch: "./web/", yes: "web/a", no: "a", trees: "web"},
		{watch: "web/**/*.html", yes: "web/a.html web/b/c/d.html", no: "web/a.css a.html", trees: "web", enter: "web/b web/b/c"},
		{watch: "*.html", yes: "a.html", no: "web/a.html a.css", trees: ".", enter: ".", skip: "web web/css"},
		{watch: "web/*/*.css", yes: "web/a/b.css", no: "web/b.css web/a/c/b.css", trees: "web", enter: "web/css", skip: "web/css/deep lib"},
		{watch: "{web,lib}/*.css", yes: "web/b.css lib/b.css", no: "tmp/b.css", trees: ".", enter: "web lib", skip: "tmp web/css"},
		{watch: "{web/css,lib}/*.css", yes: "web/css/b.css lib/b.css", no: "web/b.css", trees: ".", enter: "web/css lib"},
		{watch: "config.yaml", yes: "config.yaml", no: "config.yml web/config.yaml", trees: ".", enter: ".", skip: "web"},
		{watch: "later", yes: "later later/a", no: "late", trees: ".", enter: "later later/b", skip: "web"},
		{watch: "app/[id]", yes: "app/[id]/page", no: "app/i/page", trees: "app/[id]"},
		{watch: "app/[id]*/**", yes: "app/i/page app/d/e/f", no: "app/[id]/page", trees: "app"},
		{watch: `app/\[id\]/*`, yes: "app/[id]/page", no: "app/i/page", trees: "app/[id]"},
		{watch: "../shared/*.go", yes: "../shared/a.go", no: "shared/a.go", trees: "../shared"},
		{watch: "**", yes: "a web/b", no: "../a", trees: ".", enter: "web web/css"},
		{watch: "web lib web", yes: "web/a lib/b", trees: "lib web"},
		{watch: "**", ignore: "tmp", yes: "a web/b tmpfile", no: "tmp/a tmp/b/c", trees: ".", skip: "tmp tmp/b", enter: "web"},
		{watch: "**", ignore: "**/node_modules", yes: "a", no: "node_modules/x/y.js web/node_modules/z", trees: ".", skip: "node_modules web/node_modules web/node_modules/x"},
		{watch: "web/a.gen.go", ignore: "**/*.gen.go", no: "web/a.gen.go", trees: "web"},
		{watch: "web/**", ignore: "web/*", no: "web/a web/css/b", trees: "web", skip: "web/css"},
		{ignore: "tmp", no: "a tmp/a", skip: ". web"},
	} {
		t.Run(test.watch+" without "+test.ignore, func(t *testing.T) {
			t.Parallel()
			p, err := NewPatterns(dir, strings.Fields(test.watch), strings.Fields(test.ignore))
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, ask func(string) bool, names string, want bool) {
				for _, name := range strings.Fields(names) {
					if got := ask(filepath.Join(dir, name)); got != want {
						t.Errorf("%s %s: %v, want %v", what, name, got, want)
					}
				}
			}
			check("watched", p.Watched, test.yes, true)
			check("watched", p.Watched, test.no, false)
			check("skip", p.Skip, test.skip, true)
			check("skip", p.Skip, test.enter, false)
			var trees []string
			for _, tree := range strings.Fields(test.trees) {
				trees = append(trees, filepath.Join(dir, tree))
			}
			if got := p.Trees(); !slices.Equal(got, trees) {
				t.Errorf("trees %q, want %q", got, trees)
			}
		})
	}
}

func TestPatternsAbsolute(t *testing.T) {
	t.Parallel()
	p, err := NewPatterns("/project", []string{"/etc/api/*.conf", "/"}, []string{"/proc"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"/etc/api/a.conf": true, "/anything": true, "/proc/1/stat": false} {
		if got := p.Watched(path); got != want {
			t.Errorf("watched %s: %v, want %v", path, got, want)
		}
	}
	if got := p.Trees(); !slices.Equal(got, []string{"/", "/etc/api"}) {
		t.Errorf("trees %q", got)
	}
}

func TestPatternsBelowANameThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	p, err := NewPatterns("/caf\xe9[1]", []string{"web/*.html"}, []string{"web/old*"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"/caf\xe9[1]/web/a\xe9.html": true, "/caf\xe9[1]/web/old.html": false, "/caf1/web/a.html": false} {
		if got := p.Watched(path); got != want {
			t.Errorf("%q: %v", path, got)
		}
	}
}

func TestPatternsErrors(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"web/[", "{a,b", "a}", `web\`, ""} {
		for _, lists := range [][2][]string{{{"ok", bad}, nil}, {nil, {bad}}} {
			_, err := NewPatterns(t.TempDir(), lists[0], lists[1])
			if err == nil || !strings.Contains(err.Error(), bad) {
				t.Errorf("%q: error %v, want one that names it", bad, err)
			}
		}
	}
	if _, err := NewPatterns("relative", nil, nil); err == nil {
		t.Error("a relative directory is no error")
	}
}

// A directory that Skip prunes never contains a path that Watched matches.
func FuzzPatternsSkip(f *testing.F) {
	for _, pattern := range []string{"*.go", "a/**/b", "{a,b/c}/*", "a", "**", "a/[b]/c", "a/?/*"} {
		f.Add(pattern, "a/b/c/d")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		p, err := NewPatterns("/none", []string{pattern}, nil)
		path = filepath.Join("/", path)
		if err != nil || !p.Watched(path) {
			return
		}
		for dir := filepath.Dir(path); dir != "/" && !slices.Contains(p.Trees(), dir); dir = filepath.Dir(dir) {
			if p.Skip(dir) {
				t.Errorf("%q matches %q but skips %q", pattern, path, dir)
			}
		}
	})
}
