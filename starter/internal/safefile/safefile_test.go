package safefile

import (
	"os"
	"path/filepath"
	"testing"
)

// Links of this user work, as in any program.
func TestOwnLinksAreFollowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	os.Mkdir(filepath.Join(dir, "real"), 0o755)
	os.Symlink("real", filepath.Join(dir, "folder"))
	os.Symlink(filepath.Join(dir, "folder")+"/../real/file", filepath.Join(dir, "link"))
	f, err := Open(filepath.Join(dir, "link"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("text")
	f.Close()
	if got, err := os.ReadFile(filepath.Join(dir, "real", "file")); err != nil || string(got) != "text" {
		t.Errorf("it has %q, %v", got, err)
	}
	os.Symlink("circle", filepath.Join(dir, "circle"))
	if _, err := Open(filepath.Join(dir, "circle"), os.O_RDONLY, 0); err == nil {
		t.Error("a link to itself was opened")
	}
}

// The paths of open descriptors are links, too.
func TestDescriptorsAreOpenedByName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"/dev/null", "/dev/stdin", "/proc/self/fd/0", "/dev/fd/0"} {
		if _, err := os.Stat(name); err != nil {
			continue // not on this system, or stdin is closed
		}
		f, err := Open(name, os.O_RDONLY, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		f.Close()
	}
}
