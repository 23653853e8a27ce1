package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Limits of a package, without its tests.
const (
	maxFiles = 20
	maxLines = 2000
)

// larger lists the packages that may be larger, with the reason.
var larger = map[string]string{
	"builder/adopt/hook": "its text is compiled into the user's package main, as one package",
}

// TestPackagesAreSmall keeps every package at a size that one person can know.
func TestPackagesAreSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Dir}}", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		name := strings.TrimPrefix(path, module)
		files, lines := size(t, dir)
		if _, ok := larger[name]; !ok && (files > maxFiles || lines > maxLines) {
			t.Errorf("%s has %d files and %d lines; want at most %d and %d", name, files, lines, maxFiles, maxLines)
		}
	}
}

// size counts the files of a package for all systems, and their lines.
func size(t *testing.T, dir string) (files, lines int) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files++
		lines += bytes.Count(text, []byte("\n"))
	}
	return files, lines
}
