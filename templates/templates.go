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

// suffix hides the Go files of a template from the go command, which would
// compile them as a part of this module.
const suffix = ".tmpl"

// Demo is the name of the template of a small server in main.go.
const Demo = "demo"

// Write writes the files of a template into dir, which must exist. It never
// overwrites a file.
func Write(name, dir string) error {
	return each(name, dir, func(file string, content []byte) error {
		if err := create(file, content); err != nil {
			return fmt.Errorf("writing the template %q: %w", name, err)
		}
		return nil
	})
}

// Remove removes the unchanged files of a template from dir, and then dir. It
// returns an error if dir contains other files.
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

// each calls do for every file of a template, with its path in dir.
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
