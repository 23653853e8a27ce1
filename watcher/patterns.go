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

// Patterns says which files a user named, and which he wants left out.
//
// A pattern follows https://pkg.go.dev/github.com/bmatcuk/doublestar/v4: `*` and `?` stay within one name, `**` is any
// number of directories, `{a,b}` either. Without such a sign (or where a file of that very name exists, as "app/[id]")
// it names a file, or a directory with all that is below it: "web" is "web" and "web/**", today or once it exists.
// An ignored directory is ignored with all that is below it, however it was matched. Ignoring beats watching.
//
// Patterns does not change and may be used from several goroutines.
type Patterns struct {
	watch, ignore []pattern
}

// NewPatterns reads what to watch and what to ignore. A relative pattern is relative to dir, which must be absolute.
// The error names the pattern that is none.
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

// Watched reports whether the absolute path is one that the user wants watched.
func (p *Patterns) Watched(path string) bool {
	return slices.ContainsFunc(p.watch, func(w pattern) bool { return w.matches(path) }) && !p.Ignored(path)
}

// Ignored reports whether the absolute path, or a directory that it lies in, is one that the user wants left out.
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

// Skip reports that nothing below the absolute dir can be Watched. It is meant for Files.Skip: with it, "*.html" costs
// one directory, not the whole tree.
func (p *Patterns) Skip(dir string) bool {
	return p.Ignored(dir) || !slices.ContainsFunc(p.watch, func(w pattern) bool { return w.reaches(dir) })
}

// Trees returns the directories below which the watched patterns can match, sorted, each once, whether or not they
// exist. They are meant for Files.Trees, together with Skip.
func (p *Patterns) Trees() []string {
	var trees []string
	for _, w := range p.watch {
		trees = append(trees, w.tree())
	}
	slices.Sort(trees)
	return slices.Compact(trees)
}

// A pattern is absolute and clean: a path if literal, else in doublestar's syntax.
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
		return pattern{}, errors.New("it is empty")
	}
	if path := absolute(dir, text); !strings.ContainsAny(text, meta) || exists(path) {
		return pattern{path, true}, nil
	}
	if !doublestar.ValidatePattern(text) {
		return pattern{}, errors.New(`a bracket or brace is not closed, or nothing follows a backslash`)
	}
	return pattern{absolute(quote(dir), text), false}, nil
}

// meta are the signs that make a pattern of a path.
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

// reaches reports whether p can match something below dir. Where it can't be told, it can.
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

// tree returns the directory that holds all that p can match. For a literal that is no directory now, its parent does:
// there a file, or a directory yet to come, is seen.
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
