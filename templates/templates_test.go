package templates

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestDemoBuildsAndPassesVet(t *testing.T) {
	dir := t.TempDir()
	if err := Write(Demo, dir); err != nil {
		t.Fatal(err)
	}
	vet := exec.Command("go", "vet", ".")
	vet.Dir = dir
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

func TestWriteNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "main.go")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(Demo, dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write over a file: %v", err)
	}
	if b, _ := os.ReadFile(mine); string(b) != "mine" {
		t.Errorf("the file is now %q", b)
	}
}

func TestWriteUnknownTemplate(t *testing.T) {
	if err := Write("none", t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestRemoveKeepsOtherFiles(t *testing.T) {
	for name, change := range map[string]func(dir string) error{
		"a new file":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "handlers.go"), nil, 0o600) },
		"an edit":         func(dir string) error { return os.WriteFile(filepath.Join(dir, "main.go"), []byte("mine"), 0o600) },
		"a new directory": func(dir string) error { return os.Mkdir(filepath.Join(dir, "web"), 0o700) },
	} {
		dir := t.TempDir()
		if err := Write(Demo, dir); err != nil {
			t.Fatal(err)
		}
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		if Remove(Demo, dir) == nil {
			t.Errorf("%s was removed", name)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("%s: left are %v", name, left)
		}
	}
}

func TestRemoveUndoesWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	if err := errors.Join(os.Mkdir(dir, 0o700), Write(Demo, dir), Remove(Demo, dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}
