package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// configName is the file that settings are looked for in.
const configName = "hotstart.toml"

// configOff is what --config takes for no file at all.
const configOff = "off"

// findConfig returns the nearest hotstart.toml in dir or a folder above it,
// no higher than the repository, or outside of one the module, that dir is
// in. If there is none, it is the one that may come to be in dir.
func findConfig(dir string) (path string, found bool) {
	for _, at := range foldersUp(dir) {
		if path := filepath.Join(at, configName); isFile(path) {
			return path, true
		}
	}
	return filepath.Join(dir, configName), false
}

// foldersUp lists dir and the folders above it, up to the root of the project.
func foldersUp(dir string) []string {
	module := 1
	var up []string
	for at := dir; ; at = filepath.Dir(at) {
		up = append(up, at)
		switch {
		case exists(filepath.Join(at, ".git")):
			return up
		case module == 1 && (isFile(filepath.Join(at, "go.mod")) || isFile(filepath.Join(at, "go.work"))):
			module = len(up)
		}
		if at == filepath.Dir(at) {
			return up[:module]
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// chooseConfig returns the file that --config means, or "" for none, in the
// folder that hotstart was started in. Only one that was named must exist.
func chooseConfig(named, dir string) (path string, err error) {
	switch {
	case named == configOff:
		return "", nil
	case named == "":
		path, _ = findConfig(dir)
		return path, nil
	case !filepath.IsAbs(named):
		named = filepath.Join(dir, named)
	}
	if !isFile(named) {
		return "", &usageError{err: fmt.Errorf("--config=%s: there is no such file", named), hint: "hotstart init"}
	}
	return named, nil
}

// readConfig is what a file says, or "" if it is not there.
func readConfig(path string) (text string, found bool, err error) {
	if !isFile(path) { // or nobody may look into its folder
		return "", false, nil
	}
	b, err := os.ReadFile(path)
	return string(b), err == nil, err
}
