package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// configName is the file that settings are looked for in.
const configName = "hotstart.toml"

// configOff is what --config takes for no file at all.
const configOff = "off"

// findConfig returns the nearest hotstart.toml in dir or a folder above it,
// no higher than root: the root of the workspace or the module that dir is
// in, or else dir itself. If there is none, it is the one that may come to be
// in dir.
func findConfig(dir string) (path, root string) {
	up := foldersUp(dir)
	root = up[len(up)-1]
	for _, at := range up {
		if path := filepath.Join(at, configName); isFile(path) {
			return path, root
		}
	}
	return filepath.Join(dir, configName), root
}

// foldersUp lists dir and the folders above it, up to the root of its
// workspace, which is found as by the go command, or else of its module.
func foldersUp(dir string) []string {
	module := 0
	var up []string
	for at := dir; ; at = filepath.Dir(at) {
		up = append(up, at)
		if isWorkspace(at) {
			return up
		}
		if module == 0 && isFile(filepath.Join(at, "go.mod")) {
			module = len(up)
		}
		if at == filepath.Dir(at) {
			return up[:max(module, 1)]
		}
	}
}

// isWorkspace reports whether a folder is the root of the workspace that the
// go command works in below it.
func isWorkspace(dir string) bool {
	path := filepath.Join(dir, "go.work")
	named := os.Getenv("GOWORK") // off, or a path
	return (named == "" || named == path) && isFile(path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// chooseConfig returns the file that --config means, or "" for none, in the
// folder that hotstart was started in, and the folder in which it counts, or
// "" for one that was named: that counts anywhere, and must exist.
func chooseConfig(named, dir string) (path, root string, err error) {
	switch {
	case named == configOff:
		return "", "", nil
	case named == "":
		path, root = findConfig(dir)
		return path, root, nil
	case !filepath.IsAbs(named):
		named = filepath.Join(dir, named)
	}
	if !isFile(named) {
		return "", "", &usageError{err: fmt.Errorf("--config=%s: file does not exist", named), hint: "hotstart init"}
	}
	return named, "", nil
}

// readConfig is what a file says, or "" if it is not there. The error is an
// *ignoredError if it does not count.
func (c *config) readConfig() (text string, found bool, err error) {
	if !isFile(c.path) { // or nobody may look into its folder
		return "", false, nil
	}
	if c.root == "" {
		b, err := os.ReadFile(c.path)
		return string(b), err == nil, err
	}
	real, info, err := ownFile(c.path, c.root, c.name())
	if err != nil {
		return "", false, err
	}
	f, err := os.OpenFile(real, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) || !now.Mode().IsRegular() {
		return "", false, fmt.Errorf("reading %s: it is not a regular file or was replaced while it was read", c.path)
	}
	b, err := io.ReadAll(f)
	return string(b), err == nil, err
}
