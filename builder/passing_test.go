package builder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestPassing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"page.html", "env", "x"} {
		write(t, filepath.Join(dir, name), "")
	}
	for name, want := range map[string]bool{
		"page.html": false, "page.html~": true, ".page.html.swp": true, ".page.html.swo": true, ".swp": true, "page.swf": false,
		".page.html.un~": true, "4913": true, "49130": false, "5036": true,
		"#page.html#": true, ".#page.html": true, "#page.html": false,
		"page.html___jb_tmp___": true, "page.html___jb_old___": true,
		".page.html.kate-swp": true, ".goutputstream-ABC123": true, "page.html.vsctmp": true, ".sublf3e.tmp": true,
		"page.html.sb-1a2b3c4d-AbCdEf": true, "sedAbC123": true, "sed": false, "sedative": false, "sediments.txt": false,
		"main.go": false, "main.go.123456": true, "main.go1234567": true, "page.html.123456": false,
		".~lock.page.odt#": true, "~$page.docx": true, ".nfs000000000123": true, ".fuse_hidden0001": true,
		".DS_Store": true, "._page.html": true, "Thumbs.db": true, ".hidden": false, "_page.html": false,
		".page.html.AbCdEf": true, "page.html.AbCdEf": true, "other.html.AbCdEf": false, // there is no such file to be renamed to
		".env.sample": false, "x.Backup": false, "x.SHA256": false, "x.sha256": false, "x.tmp": false,
	} {
		if got := Passing(filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

const globs = gomod + "-- main.go --\npackage main\n\nimport \"embed\"\n\n//go:embed static/* own~\nvar files embed.FS\n\nfunc main() { println(files.Open) }\n" +
	"-- static/page --\n1\n-- own~ --\n2\n"

// Temporary files do not count, not even if they are there when the files are listed.
func TestMatchOfPassingFiles(t *testing.T) {
	t.Parallel()
	dir := project(t, globs+"-- static/.page.swp --\n")
	g := mustList(t, builderIn(t, dir, Options{}))
	for name, want := range map[string]bool{"static/page": true, "static/.page.swp": false, "static/4913": false, "static/.new": true,
		"static/page~": false, "own~": true} {
		if got := g.Match(filepath.Join(dir, name)); got != want || got && g.Err == nil && name != "static/.new" && g.Outdated([]string{filepath.Join(dir, name)}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Emacs locks a file by a link that leads nowhere, which the go command refuses to embed.
func TestBuildOutlastsALock(t *testing.T) {
	t.Parallel()
	dir := project(t, globs)
	lock := filepath.Join(dir, "static/.#page")
	if err := os.Symlink("me@host.1", lock); err != nil {
		t.Fatal(err)
	}
	_, err := builderIn(t, dir, Options{}).Build(t.Context())
	broken := new(BuildError)
	if !errors.As(err, &broken) || !slices.Contains(broken.Passing, lock) {
		t.Errorf("%v; it does not name the lock, only %q", err, broken.Passing)
	}
	// One that is gone by the time of the error is worth another try.
	removes := script(t, fmt.Sprintf("go \"$@\"; code=$?; [ \"$1\" != build ] || rm -f '%s'; exit $code\n", lock))
	mustBuild(t, builderIn(t, dir, Options{Go: removes}))
}

// A direct build does not embed a temporary file, and is not compared with one that does.
func TestShortcutWithPassingFiles(t *testing.T) {
	t.Parallel()
	s := newSession(t, project(t, globs), Options{})
	s.edit(map[string]string{"static/page": "2"})
	x := s.build()
	write(t, s.path("static/.page.swp"), "swap")
	if y := s.build(); y.ID != x.ID {
		t.Error("a swap file is embedded")
	}
	if other, err := s.b.Check(t.Context(), x); other != nil || err != nil {
		t.Errorf("Check: %v, %v", other, err)
	}
}
