// Package templates holds the files that hotstart writes, and writes them.
package templates

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

//go:embed demo
var files embed.FS

// suffix keeps the go command from taking a template for a part of this
// module.
const suffix = ".tmpl"

// Demo is the name of the template of a small server, whose file to edit is
// main.go.
const Demo = "demo"

// Write writes the files of a template into dir, which must exist, and never
// over a file that is there.
func Write(name, dir string) error {
	entries, err := fs.ReadDir(files, name)
	if err != nil {
		return fmt.Errorf("reading the template %q: %w", name, err)
	}
	for _, e := range entries {
		content, err := fs.ReadFile(files, path.Join(name, e.Name()))
		if err != nil {
			return fmt.Errorf("reading the template %q: %w", name, err)
		}
		to := filepath.Join(dir, strings.TrimSuffix(e.Name(), suffix))
		if err := create(to, content); err != nil {
			return fmt.Errorf("writing the template %q: %w", name, err)
		}
	}
	return nil
}

func create(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
