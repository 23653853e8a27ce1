package builder

import (
	"context"

	"github.com/hotstart/hotstart/builder/internal/graph"
)

// Graph is the set of files that a build reads and the user may change: sources of all kinds,
// embedded files, go.mod and the like, but not tests, GOROOT or the module cache.
//
// Below Trees, directories may appear and disappear without a new graph. Trees are the
// directories that embed patterns search and, only if Err is set, the roots of modules, of which
// every .go file counts. Dirs and Trees may be missing on the disk: then it is their return to
// wait for.
//
// If Err is set, the graph also has everything that the last complete graph had, since that may
// be what repairs the project.
//
// A graph does not change, and its methods may be called at the same time. Methods that take a
// path look at the present state of the disk. Paths are absolute and clean. The zero value is an
// empty graph.
type Graph struct {
	Root    string   // import path of the program; "" if unknown
	Dirs    []string // directories to watch, without those below them: sorted, absolute
	Trees   []string // directories to watch with those below that Skip does not exclude: sorted, absolute
	Missing []string // files that were listed but have been removed since: the build may have read them
	Err     error    // why the graph is incomplete; nil if it is complete

	files graph.Graph
}

// List returns the files that the build reads. Where the go command can't list them all, the
// graph has the known ones, and Err and Trees are set. List returns an error only if ctx is done
// or the go command can't be run any more.
func (b *Builder) List(ctx context.Context) (*Graph, error) {
	g, err := b.lister.List(ctx)
	if err != nil {
		return nil, err
	}
	b.instrumentation.update(g)
	b.cache.SetGraph(g)
	return &Graph{Root: g.Root, Dirs: g.Dirs, Trees: g.Trees, Missing: g.Missing, Err: g.Err, files: *g}, nil
}

// Match reports whether the change, the appearance or the removal of a file concerns the build.
// A file that the build did not read when the graph was listed does if the go command would
// read it now.
func (g *Graph) Match(path string) bool { return g.files.Match(path) }

// Skip reports whether nothing in or below a directory of Trees concerns the build. In modules,
// that are hidden directories, testdata, node_modules, vendor (unless -mod=vendor is set) and
// other modules, except where an embed pattern searches them. All directories outside of Trees
// are skipped.
func (g *Graph) Skip(dir string) bool { return g.files.Skip(dir) }

// Outdated reports whether List might return another graph now that these files have changed:
// because of the headers of sources, added or removed files, or the descriptions of modules. It
// costs much less than List, about 0.1 ms a file.
func (g *Graph) Outdated(paths []string) bool { return g.files.Outdated(paths) }

// Source returns the source file that a program built with -trimpath calls by this name, which
// begins with the path of the module, maybe with a version, or of the package. It is "" for a
// file that the user can't change.
func (g *Graph) Source(trimmed string) string { return g.files.Source(trimmed) }
