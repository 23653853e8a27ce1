package direct

import (
	"fmt"
	"strings"
)

// config is an import configuration, as `go tool compile -importcfg` and `go tool link
// -importcfg` read it: a line each.
type config []string

func parseConfig(text string) config { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// archives returns the archive of each package that is named.
func (c config) archives() map[string]string {
	files := map[string]string{}
	for _, line := range c {
		if path, file, ok := packageFile(line); ok {
			files[path] = file
		}
	}
	return files
}

// with returns the text with each package's archive as it is in files.
func (c config) with(files map[string]string) (string, error) {
	var text strings.Builder
	for _, line := range c {
		if path, _, ok := packageFile(line); ok {
			file := files[path]
			if file == "" {
				return "", fmt.Errorf("no archive of %s is known", path)
			}
			line = "packagefile " + path + "=" + file
		}
		text.WriteString(line + "\n")
	}
	return text.String(), nil
}

func packageFile(line string) (path, file string, ok bool) {
	rest, ok := strings.CutPrefix(line, "packagefile ")
	path, file, found := strings.Cut(rest, "=")
	return path, file, ok && found
}
