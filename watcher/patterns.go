package watcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Patterns selects files by the patterns of a user: files to watch, and files to ignore.
//
// A pattern follows https://pkg.go.dev/github.com/bmatcuk/doublestar/v4: `*` and `?` stay within one name, `**` is any
// number of directories, `{a,b}` is a or b. A pattern without such a character is the name of a file, or of a directory
// with everything below it: "web" is "web" and "web/**", whether or not it exists yet. The same is true if a file of
// that name exists, for example "app/[id]". Everything below an ignored directory is ignored. Ignored files are never
// watched.
//
// Patterns does not change and may be used from several goroutines.
type Patterns struct {
	watch, ignore []pattern
}

// NewPatterns reads what to watch and what to ignore. A relative pattern is relative to dir, which must be absolute.
// The error names the invalid pattern.
func NewPatterns(dir string, watch, ignore []string) (*Patterns, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("reading patterns relative to %q: not an absolute directory", dir)
	}
	watched, err := readPatterns(dir, watch)
	if err != nil {
		return nil, err
	}
	ignored, err := readPatterns(dir, ignore)
	if err != nil {
		return nil, err
	}
	return &Patterns{watched, ignored}, nil
}

// Watched reports whether the user wants the absolute path watched.
func (p *Patterns) Watched(path string) bool {
	return slices.ContainsFunc(p.watch, func(w pattern) bool { return w.matches(path) }) && !p.Ignored(path)
}

// Ignored reports whether the user wants the absolute path, or one of its parents, ignored.
func (p *Patterns) Ignored(path string) bool {
	for ; ; path = filepath.Dir(path) {
		if slices.ContainsFunc(p.ignore, func(i pattern) bool { return i.matches(path) }) {
			return true
		}
		if path == filepath.Dir(path) {
			return false
		}
	}
}

// Skip reports whether no path below the absolute dir can be Watched. It is for Files.Skip: with it, "*.html" watches
// one directory instead of the whole tree.
func (p *Patterns) Skip(dir string) bool {
	return p.Ignored(dir) || !slices.ContainsFunc(p.watch, func(w pattern) bool { return w.reaches(dir) })
}

// Trees returns the directories below which the watched patterns can match, sorted, each once, whether or not they
// exist. They are for Files.Trees, together with Skip.
func (p *Patterns) Trees() []string {
	var trees []string
	for _, w := range p.watch {
		trees = append(trees, w.tree())
	}
	slices.Sort(trees)
	return slices.Compact(trees)
}

// A pattern is absolute and clean. If it is not literal, it has the syntax of doublestar.
type pattern struct {
	text    string
	literal bool
}

func readPatterns(dir string, texts []string) ([]pattern, error) {
	var patterns []pattern
	for _, text := range texts {
		p, err := readPattern(dir, text)
		if err != nil {
			return nil, fmt.Errorf("reading pattern %q: %w", text, err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func readPattern(dir, text string) (pattern, error) {
	if text == "" {
		return pattern{}, errors.New("the pattern is empty")
	}
	if path := absolute(dir, text); !strings.ContainsAny(text, meta) || exists(path) {
		return pattern{path, true}, nil
	}
	if !doublestar.ValidatePattern(text) {
		return pattern{}, errors.New(`a bracket or brace is not closed, or nothing follows a backslash`)
	}
	return pattern{absolute(quote(dir), text), false}, nil
}

// meta has the special characters of a pattern.
const meta = `*?[]{}\`

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// quote returns the pattern that matches path and nothing else.
func quote(path string) string {
	var b strings.Builder
	for i := range len(path) { // by bytes: a name need not be UTF-8
		if strings.IndexByte(meta, path[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func (p pattern) matches(path string) bool {
	if p.literal {
		return within(path, p.text)
	}
	return doublestar.MatchUnvalidated(p.text, path)
}

// reaches reports whether p may match a path below dir. If that is unknown, it returns true.
func (p pattern) reaches(dir string) bool {
	if p.literal {
		return within(dir, p.text) || within(p.text, dir)
	}
	if dir == "/" {
		return true
	}
	names, parts := strings.Split(dir, "/"), strings.Split(p.text, "/")
	for i, name := range names {
		switch {
		case i == len(parts):
			return false
		case strings.Contains(parts[i], "**"), !doublestar.ValidatePattern(parts[i]): // invalid: the slash was inside braces
			return true
		case !doublestar.MatchUnvalidated(parts[i], name):
			return false
		}
	}
	return len(parts) > len(names)
}

// tree returns the directory that contains every path that p can match. For a literal that is not a directory now, it
// returns the parent, in which a file or a later directory appears.
func (p pattern) tree() string {
	if !p.literal {
		base, _ := doublestar.SplitPattern(p.text)
		return base
	}
	if info, err := os.Stat(p.text); err == nil && info.IsDir() {
		return p.text
	}
	return filepath.Dir(p.text)
}

// within reports whether path is dir or below it. Both are clean and absolute.
func within(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == '/' || dir == "/")
}
