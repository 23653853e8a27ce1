package builder

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// embedPattern is one pattern of a go:embed directive, by the rules of package embed and
// of cmd/go/internal/load.
type embedPattern struct {
	glob string // relative to the package's directory
	all  bool   // hidden files in matched directories too
}

func newEmbedPattern(s string) embedPattern {
	glob, all := strings.CutPrefix(s, "all:")
	return embedPattern{glob, all}
}

// takes reports whether the pattern embeds the file at rel below dir, or would if there
// were such a file.
func (p embedPattern) takes(dir, rel string) bool {
	elems := strings.Split(rel, "/")
	for i := range elems {
		if ok, _ := path.Match(p.glob, strings.Join(elems[:i+1], "/")); ok {
			return !slices.ContainsFunc(elems[i+1:], p.hides) && !foreign(dir, elems[:len(elems)-1])
		}
	}
	return false
}

// hides reports whether a file or directory is left out of a matched directory.
func (p embedPattern) hides(name string) bool {
	switch name {
	case "", ".bzr", ".hg", ".git", ".svn":
		return true
	}
	return !p.all && (name[0] == '.' || name[0] == '_')
}

// foreign reports whether one of the directories on the way down begins another module.
func foreign(dir string, elems []string) bool {
	for _, elem := range elems {
		dir = filepath.Join(dir, elem)
		if isFile(filepath.Join(dir, "go.mod")) {
			return true
		}
	}
	return false
}

// enters reports whether the pattern embeds files in or below the directory at rel below
// dir, or would if there were any.
func (p embedPattern) enters(dir, rel string) bool {
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
	return !foreign(dir, elems)
}

// literal returns the part of the pattern that names one directory or file: all up to the
// first element with a wildcard.
func (p embedPattern) literal() (elems []string, all bool) {
	elems = strings.Split(p.glob, "/")
	if i := slices.IndexFunc(elems, func(elem string) bool { return strings.ContainsAny(elem, `*?[\`) }); i >= 0 {
		return elems[:i], false
	}
	return elems, true
}

// root returns the directory that holds all that the pattern takes. It is "" if that is
// a single file.
func (p embedPattern) root(dir string) string {
	elems, all := p.literal()
	root := filepath.Join(dir, filepath.Join(elems...))
	if all && isFile(root) {
		return ""
	}
	return root
}

// dirs returns the directories on the way from dir to what the pattern names.
func (p embedPattern) dirs(dir string) []string {
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
