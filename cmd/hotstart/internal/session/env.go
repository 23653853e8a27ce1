package session

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// environ returns the environment of the program and, with the marker, of
// every command.
func (e *effects) environ() ([]string, error) {
	env := os.Environ()
	if e.o.offersScript() {
		env = append(env, "HOTSTART_SCRIPT="+e.pages.Server.URL())
	}
	if e.o.injects() && e.pages.Server != nil {
		env = append(env, "HOTSTART_PAGES="+e.pages.Server.Address())
	}
	return withEnvFiles(env, e.o.Dir, e.o.EnvFiles)
}

// withEnvFiles adds the variables of .env files to an environment. A variable
// that is set already stays as it is. A missing file has no variables.
func withEnvFiles(env []string, dir string, files []string) ([]string, error) {
	isSet := map[string]bool{}
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		isSet[name] = true
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
			if !isSet[name] {
				env, isSet[name] = append(env, name+"="+variables[name]), true
			}
		}
	}
	return env, nil
}
