package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// withFiles adds to an environment the variables of .env files that it does
// not have. Of two files the first wins. A file that is missing has none.
func withFiles(env []string, dir string, files []string) ([]string, error) {
	has := map[string]bool{}
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		has[name] = true
	}
	env = slices.Clone(env)
	for _, file := range files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		variables, err := godotenv.Read(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading the variables of %s: %w", file, err)
		}
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if !has[name] {
				env, has[name] = append(env, name+"="+variables[name]), true
			}
		}
	}
	return env, nil
}
