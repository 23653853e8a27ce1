package ready

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A directory whose path is too long for a socket, or that is not writable, is
// skipped.
func TestNotifySocketFindsAPlace(t *testing.T) {
	t.Parallel()
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(deep, 0o777); err != nil {
		t.Fatal(err)
	}
	if n, err := NewNotifySocket(deep, "/missing"); err == nil || !strings.Contains(err.Error(), "is longer than") || !strings.Contains(err.Error(), "/missing: no such file") {
		t.Errorf("%v, %v", n, err)
	}
	if names, err := os.ReadDir(deep); err != nil || len(names) > 0 {
		t.Errorf("it left %v, %v", names, err)
	}
	n, err := NewNotifySocket(append([]string{deep, "/missing"}, NotifyDirs("")...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(NotifyDirs("/scratch")[0]) != "/scratch" {
		t.Error("it does not prefer the folder that is removed in any case")
	}
}

// A process that is killed leaves its directory, which the next one removes. It
// leaves alone what is in use, or may be about to be.
func TestStaleNotifySocketsAreRemoved(t *testing.T) {
	t.Parallel()
	parent, err := os.MkdirTemp("", "") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parent)
	stale, err := NewNotifySocket(parent)
	if err != nil {
		t.Fatal(err)
	}
	used, err := NewNotifySocket(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	stale.UnixConn.Close() // as the kernel does
	empty, fresh, other := filepath.Join(parent, notifyPrefix+"empty"), filepath.Join(parent, notifyPrefix+"fresh"), filepath.Join(parent, "other")
	for _, dir := range []string{empty, fresh, other} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	os.Chtimes(empty, old, old)
	os.Chtimes(other, old, old)
	next, err := NewNotifySocket(parent)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	for path, want := range map[string]bool{
		filepath.Dir(stale.Path): false, empty: false, used.Path: true, next.Path: true, fresh: true, other: true,
	} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}
