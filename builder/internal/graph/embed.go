package graph

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/paths"
)

// EmbedPattern is one pattern of a go:embed directive, by the rules of package embed and of
// cmd/go/internal/load.
type EmbedPattern struct {
	glob string // relative to the package's directory
	all  bool   // match hidden files in matched directories, too
}

func newEmbedPattern(s string) EmbedPattern {
	glob, all := strings.CutPrefix(s, "all:")
	return EmbedPattern{glob, all}
}

// takes reports whether the pattern embeds the file at rel below dir, or would if there were
// such a file.
func (p EmbedPattern) takes(dir, rel string) bool {
	elems := strings.Split(filepath.ToSlash(rel), "/")
	for i := range elems {
		if ok, _ := path.Match(p.glob, strings.Join(elems[:i+1], "/")); ok {
			return !slices.ContainsFunc(elems[i+1:], p.hides) && !crossesModule(dir, elems[:len(elems)-1])
		}
	}
	return false
}

// hides reports whether the pattern leaves out a file or directory in a matched directory.
func (p EmbedPattern) hides(name string) bool {
	switch name {
	case "", ".bzr", ".hg", ".git", ".svn":
		return true
	}
	return !p.all && (name[0] == '.' || name[0] == '_')
}

// excludes reports whether a file is left out although the pattern embeds it: a temporary file,
// unless the pattern is its exact name.
func (p EmbedPattern) excludes(dir, rel string) bool {
	return p.glob != rel && IsTemporary(filepath.Join(dir, rel))
}

// crossesModule reports whether one of the directories on the way from dir down is the root of
// another module.
func crossesModule(dir string, elems []string) bool {
	for _, elem := range elems {
		dir = filepath.Join(dir, elem)
		if paths.IsFile(filepath.Join(dir, "go.mod")) {
			return true
		}
	}
	return false
}

// enters reports whether the pattern embeds files in or below the directory at rel below dir,
// or would if there were any.
func (p EmbedPattern) enters(dir, rel string) bool {
	globs, elems := strings.Split(p.glob, "/"), strings.Split(filepath.ToSlash(rel), "/")
	for i, elem := range elems {
		if i >= len(globs) && p.hides(elem) {
			return false
		} else if i < len(globs) {
			if ok, _ := path.Match(globs[i], elem); !ok {
				return false
			}
		}
	}
	return !crossesModule(dir, elems)
}

// literal returns the elements of the pattern before the first one with a wildcard. all is true
// if the pattern has no wildcard, and names one file or directory.
func (p EmbedPattern) literal() (elems []string, all bool) {
	elems = strings.Split(p.glob, "/")
	if i := slices.IndexFunc(elems, func(elem string) bool { return strings.ContainsAny(elem, `*?[\`) }); i >= 0 {
		return elems[:i], false
	}
	return elems, true
}

// root returns the directory that contains all files which the pattern matches. It is "" if the
// pattern names a single file.
func (p EmbedPattern) root(dir string) string {
	elems, all := p.literal()
	root := filepath.Join(dir, filepath.Join(elems...))
	if all && paths.IsFile(root) {
		return ""
	}
	return root
}

// dirs returns dir and the directories on the way from dir to the files that the pattern names.
func (p EmbedPattern) dirs(dir string) []string {
	elems, all := p.literal()
	if all {
		elems = elems[:len(elems)-1]
	}
	dirs := []string{dir}
	for _, elem := range elems {
		dir = filepath.Join(dir, elem)
		dirs = append(dirs, dir)
	}
	return dirs
}

// Embedded is what the embed patterns of a package find in the directories that they search.
type Embedded struct {
	Dirs      []string // searched directories
	Files     []string // embedded files, without temporary ones
	Types     []string // of Files
	Temporary []string // temporary files: the go command would embed them
}

// Embedded looks at the files that the package embeds, except those that a pattern names exactly.
func (p *Package) Embedded() (e Embedded) {
	for _, pattern := range p.Embeds {
		root := pattern.root(p.Dir)
		if root == "" {
			continue
		}
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			rel, ok := paths.Below(p.Dir, path)
			switch {
			case err != nil || !ok:
			case d.IsDir() && !pattern.enters(p.Dir, rel):
				return fs.SkipDir
			case d.IsDir():
				e.Dirs = append(e.Dirs, path)
			case !pattern.takes(p.Dir, rel):
			case pattern.excludes(p.Dir, rel):
				e.Temporary = append(e.Temporary, path)
			default:
				e.Files, e.Types = append(e.Files, path), append(e.Types, d.Type().String())
			}
			return nil
		})
	}
	return e
}
