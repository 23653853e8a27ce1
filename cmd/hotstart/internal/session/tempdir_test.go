package session

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFoldersOfEndedSessionsAreRemoved(t *testing.T) {
	parent := t.TempDir()
	mkdir := func(name string, mode os.FileMode, files ...string) string {
		dir := filepath.Join(parent, name)
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	living, err := makeTempDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	dead := mkdir("hotstart-watch-1", 0o700, "lock", "api-1")
	target := t.TempDir()
	if err := os.WriteFile(filepath.Join(target, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(parent, "hotstart-watch-2")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	stay := []string{
		living.path,
		mkdir("hotstart-watch-3", 0o755, "lock"), // other users can read it
		mkdir("hotstart-watch-4", 0o700),         // it is about to get its lock
		mkdir("hotstart-demo-1", 0o700, "lock"),  // it has the edits of a user
		link, filepath.Join(target, "lock"),
	}
	next, err := makeTempDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dead); err == nil {
		t.Errorf("%s is still there", dead)
	}
	for _, path := range append(stay, next.path) {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("a folder is gone: %v", err)
		}
	}
	living.remove()
	next.remove()
	for _, d := range []*tempDir{living, next} {
		if _, err := os.Lstat(d.path); err == nil {
			t.Errorf("%s is still there", d.path)
		}
	}
}
