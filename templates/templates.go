// Package templates holds the files that hotstart writes, and writes them.
package templates

import (
	"bytes"
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
	return each(name, dir, func(file string, content []byte) error {
		if err := create(file, content); err != nil {
			return fmt.Errorf("writing the template %q: %w", name, err)
		}
		return nil
	})
}

// Remove removes from dir the files of a template that are as Write wrote
// them, and then dir. The error says that something else is in it.
func Remove(name, dir string) error {
	err := each(name, dir, func(file string, content []byte) error {
		if now, err := os.ReadFile(file); err == nil && bytes.Equal(now, content) {
			return os.Remove(file)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return os.Remove(dir)
}

// each calls do for every file of a template, as it is named in dir.
func each(name, dir string, do func(file string, content []byte) error) error {
	entries, err := fs.ReadDir(files, name)
	if err != nil {
		return fmt.Errorf("reading the template %q: %w", name, err)
	}
	for _, e := range entries {
		content, err := fs.ReadFile(files, path.Join(name, e.Name()))
		if err != nil {
			return fmt.Errorf("reading the template %q: %w", name, err)
		}
		if err := do(filepath.Join(dir, strings.TrimSuffix(e.Name(), suffix)), content); err != nil {
			return err
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
