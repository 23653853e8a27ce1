// Package buildtest has what the tests of builder and of its inner packages share.
package buildtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Module is a go.mod file, and Hello the simplest program: it imports nothing.
const (
	Module = "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n"
	Hello  = "-- main.go --\npackage main\n\nfunc main() { println(\"hello\") }\n"
)

// Project writes the files of a txtar archive and returns their directory. It has a parent
// directory of its own, for files that the archive calls "../lib".
func Project(t testing.TB, archive string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, files := Unpack(archive)
	for name, content := range files {
		Write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// Unpack reads a txtar archive.
func Unpack(archive string) (comment string, files map[string]string) {
	a := txtar.Parse([]byte(archive))
	files = map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	return string(a.Comment), files
}

// Write writes a file, and makes the directories above it.
func Write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Long skips a test that takes long. HOTSTART_LONG=1 runs it; CI does.
func Long(t testing.TB) {
	t.Helper()
	if os.Getenv("HOTSTART_LONG") == "" {
		t.Skip("takes long: set HOTSTART_LONG")
	}
}

// List returns the paths of all entries of a directory.
func List(t testing.TB, dir string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		paths = append(paths, filepath.Join(dir, entry.Name()))
	}
	return paths
}

// Script writes a shell script and returns its path. Another process writes the file: a file
// that this process had open for writing may still be open in a child that another test
// forks, and can't be executed then (ETXTBSY, golang.org/issue/22315).
func Script(t testing.TB, lines string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "script")
	cmd := exec.Command("sh", "-c", `cat >"$1" && chmod 755 "$1"`, "sh", name)
	cmd.Stdin = strings.NewReader("#!/bin/sh\n" + lines)
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return name
}

// Poll waits up to a minute until a condition is true.
func Poll(condition func() bool) bool {
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// NeedGCC skips a test where cgo does not work.
func NeedGCC(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || string(out) != "1\n" {
		t.Skip("needs cgo, which is off: CGO_ENABLED, GOARCH, or no C compiler")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc, a C compiler")
	}
}

// Globs is a program with embed patterns that match temporary files.
const Globs = Module + "-- main.go --\npackage main\n\nimport \"embed\"\n\n//go:embed static/* own~\nvar files embed.FS\n\nfunc main() { println(files.Open) }\n" +
	"-- static/page --\n1\n-- own~ --\n2\n"

// Move renames a file or a directory.
func Move(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// RenamingGo returns a go command that renames dir, once, while it lists.
func RenamingGo(t testing.TB, dir string) string {
	t.Helper()
	return Script(t, fmt.Sprintf(`case "$*" in *" -deps "*) if mkdir %[1]s.once 2>/dev/null; then
	mv %[1]s %[1]s.away; go "$@"; code=$?; mv %[1]s.away %[1]s
	exit $code
fi;; esac
exec go "$@"
`, dir))
}
