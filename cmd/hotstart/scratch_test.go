package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestScratchesOfTheDeadAreRemoved(t *testing.T) {
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
	living, err := newScratch(parent)
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
		living.dir,
		mkdir("hotstart-watch-3", 0o755, "lock"), // others can look into it: none of ours
		mkdir("hotstart-watch-4", 0o700),         // about to get its lock
		mkdir("hotstart-demo-1", 0o700, "lock"),  // with a person's edits
		link, filepath.Join(target, "lock"),
	}
	next, err := newScratch(parent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dead); err == nil {
		t.Errorf("%s is still there", dead)
	}
	for _, path := range append(stay, next.dir) {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("it is gone: %v", err)
		}
	}
	living.remove()
	next.remove()
	for _, s := range []*scratch{living, next} {
		if _, err := os.Lstat(s.dir); err == nil {
			t.Errorf("%s is still there", s.dir)
		}
	}
}
