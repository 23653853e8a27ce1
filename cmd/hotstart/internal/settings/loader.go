package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// A Loader loads settings from the command line, the environment and
// hotstart.toml. It can load them again when the file has changed.
type Loader struct {
	Start   string        // working directory of hotstart
	Dir     string        // folder that paths are relative to: of the file that the first Load reads, or else Start
	Path    string        // of hotstart.toml, whether or not it exists; empty: no file is read
	Ignored *IgnoredError // why the last Load has not read the file; nil if it has, or there is no file

	given Given
	env   []string
	root  string // folder in which the file must be; empty: it was named by --config
	found bool   // the last Load has read the file
}

// NewLoader returns a Loader for what the command line has given. It fills a
// set from everything but the file to find out, by its setting config, which
// file is read.
func NewLoader(set *Set, given Given) (*Loader, error) {
	l := &Loader{given: given, env: os.Environ()}
	if _, err := set.Fill(given, l.env, Document{}); err != nil {
		return nil, err
	}
	return l, l.choose(set.lookup("config").Value.String())
}

// choose finds the file for a value of --config. A named file must exist.
func (l *Loader) choose(named string) (err error) {
	if l.Start, err = os.Getwd(); err != nil || named == ConfigOff {
		return err
	}
	if named == "" {
		l.Path, l.root = findFile(l.Start)
		return nil
	}
	l.Path = named
	if !filepath.IsAbs(named) {
		l.Path = filepath.Join(l.Start, named)
	}
	if !isFile(l.Path) {
		return &Error{"--config=" + l.Path, errNoFile{}}
	}
	return nil
}

// errNoFile is the error of a --config that names no file.
type errNoFile struct{}

func (errNoFile) Error() string { return "file does not exist" }
func (errNoFile) Hint() string  { return "hotstart init" }

// Load fills a set that has its defaults.
func (l *Loader) Load(set *Set) (Sources, error) {
	doc, err := l.read()
	if err != nil {
		return nil, err
	}
	sources, err := set.Fill(l.given, l.env, doc)
	if err == nil && l.Dir == "" { // it stays if the file is removed
		l.Dir = l.Start
		if l.found {
			l.Dir = filepath.Dir(l.Path)
		}
	}
	return sources, err
}

// read reads the file, which may be missing or ignored.
func (l *Loader) read() (Document, error) {
	l.found, l.Ignored = false, nil
	if l.Path == "" || !isFile(l.Path) {
		return Document{}, nil
	}
	text, err := l.readFile()
	if errors.As(err, &l.Ignored) {
		return Document{}, nil
	}
	if err != nil {
		return Document{}, err
	}
	doc, err := Parse(l.Name(), text)
	l.found = err == nil
	return doc, err
}

// readFile returns the text of the file. The error is an *IgnoredError if
// another user can have written it, unless the file was named.
func (l *Loader) readFile() (string, error) {
	if l.root != "" {
		if err := checkOwnership(l.Path, l.root, l.Name()); err != nil {
			return "", err
		}
	}
	b, err := os.ReadFile(l.Path) // nobody else can have replaced it since the check
	return string(b), err
}

// Name returns the shortest name of the file.
func (l *Loader) Name() string { return term.ShortPath(l.Start, l.Path) }

// Warnings returns a line for each thing that was given and has no effect.
func (l *Loader) Warnings(set *Set) []string {
	lines := set.UnknownVariables(l.env)
	if l.Ignored != nil {
		lines = append(lines, fmt.Sprintf("%v; run: %s", l.Ignored, l.Ignored.hint))
	}
	for _, p := range l.given["package"] { // a folder, as a rule
		path := filepath.Join(l.Start, p, FileName)
		if l.root != "" && path != l.Path && filepath.IsLocal(p) && isFile(path) {
			name := term.ShortPath(l.Start, path)
			lines = append(lines, fmt.Sprintf("%s is not read, because it is not in this folder or above it; run: hotstart watch --config=%s", name, name))
		}
	}
	return lines
}
