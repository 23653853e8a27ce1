package replay

import (
	"fmt"
	"strings"
)

// archivesIn returns the archives of packages, by import path, in an import configuration, which
// `go tool compile -importcfg` and `go tool link -importcfg` read.
func archivesIn(config string) map[string]string {
	files := map[string]string{}
	for line := range strings.Lines(config) {
		if path, file, ok := packageFile(line); ok {
			files[path] = file
		}
	}
	return files
}

// withArchives returns an import configuration with other archives.
func withArchives(config string, files map[string]string) (string, error) {
	var text strings.Builder
	for line := range strings.Lines(config) {
		if path, _, ok := packageFile(line); ok {
			if files[path] == "" {
				return "", fmt.Errorf("package %s has no archive", path)
			}
			line = "packagefile " + path + "=" + files[path] + "\n"
		}
		text.WriteString(line)
	}
	return text.String(), nil
}

func packageFile(line string) (path, file string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "packagefile ")
	path, file, found := strings.Cut(rest, "=")
	return path, file, ok && found
}
