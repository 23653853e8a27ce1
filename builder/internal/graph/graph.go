// Package graph lists the files that a build reads, and tells which changes of files concern
// the build.
package graph

import (
	"errors"
	"go/build"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// Graph is the set of files that a build reads and the user may change, see builder.Graph.
// It does not change, and its methods may be called at the same time. The zero value is empty.
type Graph struct {
	Root                 string // these are the fields of builder.Graph
	Dirs, Trees, Missing []string
	Err                  error

	MainDir string   // directory of the program; "" if unknown
	Imports []string // import paths of all other packages, those of the standard library too

	Files    map[string]File     // by absolute name; a missing file counts when it appears
	Packages map[string]*Package // by directory; those that the user may change

	modules    []string        // root directories of the modules
	embedding  map[string]bool // those of Trees that only embed patterns search
	context    build.Context
	vendor     bool     // -mod=vendor
	workspaces []string // go.work files that would take effect if they appeared
}

// File is what is known about a file since the list.
type File struct {
	Header  string // the part of the file that decides which other files the build reads
	State   State
	Settled bool // the file was in this state when the list began

	known bool // Header is that of the file which the go command has read
}

// Package is a package of the program, in the directory that it has on the disk.
type Package struct {
	Path   string // import path
	Dir    string
	Embeds []EmbedPattern

	includes []string // files in other directories that the sources include
	named    bool     // the files were named one by one: no other file belongs to the package
}

// Source finds a source file by the name that it has with -trimpath, see builder.Graph.
func (g *Graph) Source(trimmed string) string {
	dir, name := path.Split(trimmed)
	dir = versions.ReplaceAllString(strings.TrimSuffix(dir, "/"), "")
	if dir == "." {
		dir = namedFiles
	}
	for _, p := range g.Packages {
		if file := filepath.Join(p.Dir, name); p.Path == dir && g.Match(file) {
			return file
		}
	}
	return ""
}

// namedFiles is the import path of a package whose files were named one by one.
const namedFiles = "command-line-arguments"

// versions are versions of modules in a path. The import path of a package has no "@".
var versions = regexp.MustCompile(`@[^/]*`)

// Match reports whether a file concerns the build, see builder.Graph.
func (g *Graph) Match(path string) bool {
	if _, ok := g.Files[path]; ok {
		return true
	}
	if p := g.Packages[filepath.Dir(path)]; p != nil && !p.named && g.compiles(path) {
		return true
	}
	return g.embeds(path) || g.mayBeSource(path) || filepath.Base(path) == "go.mod" && g.cutsOff(filepath.Dir(path))
}

// cutsOff reports whether a go.mod in the directory removes a package, or embedded files, from
// the build.
func (g *Graph) cutsOff(dir string) bool {
	for _, p := range g.Packages {
		module := ""
		for _, root := range g.modules {
			if paths.Inside(root, p.Dir) && len(root) > len(module) {
				module = root
			}
		}
		if paths.Inside(dir, p.Dir) && dir != module && paths.Inside(module, dir) || p.embeds(dir) {
			return true
		}
	}
	return false
}

// compiles reports whether a file is a source of the package in its directory.
func (g *Graph) compiles(path string) bool {
	dir, name := filepath.Split(path)
	if strings.HasSuffix(name, "_test.go") {
		return false
	}
	if !g.context.CgoEnabled && (IsC(name) && !strings.HasPrefix(filepath.Ext(name), ".h") || importsC(path)) {
		return false
	}
	context := g.context
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		// A build may have read the file after the graph was listed. Its content is lost, but
		// its name may have a build constraint.
		context.OpenFile = func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("package removed\n")), nil
		}
	}
	ok, err := context.MatchFile(dir, name)
	// A file that can't be parsed breaks the build: that concerns the build, too.
	return ok || err != nil && filepath.Ext(name) == ".go" && name[0] != '_' && name[0] != '.' && paths.IsFile(path)
}

// embeds reports whether a package embeds a file.
func (g *Graph) embeds(path string) bool {
	for _, p := range g.Packages {
		rel, ok := paths.Below(p.Dir, path)
		if ok && slices.ContainsFunc(p.Embeds, func(e EmbedPattern) bool { return e.takes(p.Dir, rel) && !e.excludes(p.Dir, rel) }) {
			return true
		}
	}
	return false
}

// embeds reports whether a pattern of the package matches a file or directory.
func (p *Package) embeds(path string) bool {
	rel, ok := paths.Below(p.Dir, path)
	return ok && slices.ContainsFunc(p.Embeds, func(e EmbedPattern) bool { return e.takes(p.Dir, rel) })
}

// Compiles reports whether a file is compiled into the package: a Go file in its directory, or
// a file that it embeds.
func (p *Package) Compiles(path string) bool {
	return filepath.Dir(path) == p.Dir && filepath.Ext(path) == ".go" || p.embeds(path)
}

// Outdated reports whether a list might return another graph, see builder.Graph.
func (g *Graph) Outdated(changed []string) bool {
	return slices.ContainsFunc(changed, g.outdated) || len(changed) > 0 && slices.ContainsFunc(g.workspaces, func(path string) bool {
		return StateOf(path) != g.Files[path].State // not all of their directories are watched
	})
}

func (g *Graph) outdated(path string) bool {
	old, ok := g.Files[path]
	switch {
	case !ok:
		return g.Match(path)
	case g.Err != nil || !old.known:
		return true
	}
	now, ok := header(path)
	return !ok || now != old.Header
}
