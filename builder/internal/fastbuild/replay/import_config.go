package replay

import (
	"fmt"
	"strings"
)

// importConfig holds the lines of an import configuration, which `go tool compile -importcfg`
// and `go tool link -importcfg` read.
type importConfig []string

func parseImportConfig(text string) importConfig {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// archives returns the archives of the packages, by import path.
func (c importConfig) archives() map[string]string {
	files := map[string]string{}
	for _, line := range c {
		if path, file, ok := packageFile(line); ok {
			files[path] = file
		}
	}
	return files
}

// with returns the text with other archives.
func (c importConfig) with(files map[string]string) (string, error) {
	var text strings.Builder
	for _, line := range c {
		if path, _, ok := packageFile(line); ok {
			file := files[path]
			if file == "" {
				return "", fmt.Errorf("package %s has no archive", path)
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
