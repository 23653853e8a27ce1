//go:build !netbsd

package watcher

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The real statfs: a directory with events of this kernel, and a missing one.
func TestFsType(t *testing.T) {
	t.Parallel()
	var st unix.Statfs_t
	if err := unix.Statfs("/dev", &st); err != nil {
		t.Fatal(err)
	}
	if got := fsType("/dev"); got != "" {
		t.Errorf("/dev: %q, want none", got)
	}
	if got := fsType(t.TempDir() + "/missing"); got != "" {
		t.Errorf("a missing directory: %q, want none", got)
	}
}
