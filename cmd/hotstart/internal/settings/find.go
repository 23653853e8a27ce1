package settings

import (
	"os"
	"path/filepath"
)

// FileName is the name of the file that is searched for.
const FileName = "hotstart.toml"

// ConfigOff is the value of --config for no file.
const ConfigOff = "off"

// findFile returns the nearest hotstart.toml in dir or a folder above it, up to
// root: the root of the workspace or the module that dir is in, or else dir
// itself. If there is no file, path is where one may be created in dir.
func findFile(dir string) (path, root string) {
	up := foldersUp(dir)
	root = up[len(up)-1]
	for _, at := range up {
		if path := filepath.Join(at, FileName); isFile(path) {
			return path, root
		}
	}
	return filepath.Join(dir, FileName), root
}

// foldersUp returns dir and the folders above it, up to the root of its
// workspace, found as the go command does, or else of its module.
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
// go command uses below it.
func isWorkspace(dir string) bool {
	path := filepath.Join(dir, "go.work")
	named := os.Getenv("GOWORK") // off, or a path
	return (named == "" || named == path) && isFile(path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
