package builder

import (
	"io/fs"
	"os"
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

// dirs returns the directories in which a file or directory that the pattern takes can
// appear: those on the way to its matches, and all in the directories that it matches.
func (p embedPattern) dirs(dir string) (dirs []string) {
	level := []string{dir}
	for elem := range strings.SplitSeq(p.glob, "/") {
		dirs = append(dirs, level...)
		level = subdirs(level, elem)
	}
	for _, match := range level {
		dirs = append(dirs, p.tree(match)...)
	}
	return dirs
}

// subdirs returns the directories in those of a level whose names match. Links to
// directories are none: the go command does not follow them.
func subdirs(level []string, elem string) (dirs []string) {
	for _, dir := range level {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if ok, _ := path.Match(elem, entry.Name()); ok && entry.IsDir() {
				dirs = append(dirs, filepath.Join(dir, entry.Name()))
			}
		}
	}
	return dirs
}

// tree returns an embedded directory and those below it.
func (p embedPattern) tree(root string) (dirs []string) {
	_ = filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return nil
		case dir != root && p.hides(d.Name()), isFile(filepath.Join(dir, "go.mod")):
			return fs.SkipDir
		}
		dirs = append(dirs, dir)
		return nil
	})
	return dirs
}
