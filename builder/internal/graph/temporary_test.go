package graph

import (
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestIsTemporary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"page.html", "env", "x"} {
		buildtest.Write(t, filepath.Join(dir, name), "")
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
		".page.html.AbCdEf": true, "page.html.AbCdEf": true, "other.html.AbCdEf": false, // the final file does not exist
		".env.sample": false, "x.Backup": false, "x.SHA256": false, "x.sha256": false, "x.tmp": false,
	} {
		if got := IsTemporary(filepath.Join(dir, name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Temporary files do not match, even if they existed during the list.
func TestMatchOfTemporaryFiles(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Globs+"-- static/.page.swp --\n")
	g := mustList(t, listerIn(t, dir, project{}))
	for name, want := range map[string]bool{"static/page": true, "static/.page.swp": false, "static/4913": false, "static/.new": true,
		"static/page~": false, "own~": true} {
		if got := g.Match(filepath.Join(dir, name)); got != want || got && g.Err == nil && name != "static/.new" && g.Outdated([]string{filepath.Join(dir, name)}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
