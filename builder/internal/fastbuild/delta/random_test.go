package delta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// replaceN matches the N at the end of a name.
var replaceN = regexp.MustCompile(`([a-z]|\b)N\b`)

// editedFile is a Go file that random edits change.
type editedFile struct {
	name    string // path of the file
	text    string // without edits
	clause  int    // offset of the end of the package clause
	bodies  []int  // offsets where statements can be inserted
	added   []addition
	written string
}

// addition is a snippet in a source.
type addition struct {
	snippet
	number string
	body   int // index in bodies
}

func newEditedFile(name, text string) (*editedFile, error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &editedFile{name: name, text: text, clause: set.Position(f.Name.End()).Offset, written: text}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || fn.Name.Name == "init" || fn.Name.Name == "_" {
			continue
		}
		if fn.Doc != nil && slices.ContainsFunc(fn.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:") }) {
			continue // some may not call others
		}
		s.bodies = append(s.bodies, set.Position(fn.Body.Lbrace).Offset+1)
	}
	return s, nil
}

// render returns the text with all additions.
func (s *editedFile) render() string {
	type insertion struct {
		at   int
		text string
	}
	var all []insertion
	end := ""
	for _, a := range s.added {
		imports := ""
		for _, path := range strings.Fields(a.imports) {
			if path == "unsafe" {
				imports += "; import _ \"unsafe\""
			}
			imports += fmt.Sprintf("; import %s %q", importName(path, a.number), path)
		}
		all = append(all, insertion{s.clause, imports},
			insertion{s.bodies[a.body], fmt.Sprintf("\nif !seenhs%s {\n\tseenhs%[1]s = true\n\t%s\n}\n", a.number, a.text(a.snippet.body, a.number))})
		end += fmt.Sprintf("\nvar seenhs%s bool\n%s\n", a.number, a.text(a.decls, a.number))
	}
	slices.SortStableFunc(all, func(a, b insertion) int { return a.at - b.at })
	var b strings.Builder
	last := 0
	for _, i := range all {
		b.WriteString(s.text[last:i.at])
		b.WriteString(i.text)
		last = i.at
	}
	b.WriteString(s.text[last:])
	b.WriteString(end)
	return b.String()
}

// subject is a program that random edits change.
type subject struct {
	*testing.T
	lab     *lab
	dir     string                   // for the outputs
	order   []string                 // import paths of the packages that may be edited, those that are imported first
	sources map[string][]*editedFile // by import path: packages that are edited
	compile func(ctx context.Context) (archives map[string]string, err error)
	runDir  string
	args    []string
	env     [][]string

	rand   *rand.Rand
	n      int
	broken int
	count  tally

	hot  []string
	base *base // nil before the first one
	old  map[string]string
	left int // edits for which the base is used
}

// step makes some edits and compares the program of a delta with the ordinary one.
func (s *subject) step(ctx context.Context) {
	s.Helper()
	if s.base == nil || s.left == 0 {
		s.newBase(ctx)
		if s.base == nil {
			return
		}
	}
	s.left--
	changed := s.edit()
	archives, err := s.compile(ctx)
	if err != nil {
		s.broken++
		if testing.Verbose() && os.Getenv("HOTSTART_BROKEN") != "" {
			s.Logf("%d: %v", s.n, err)
		}
		s.undo(changed)
		return
	}
	for path := range archives {
		if archives[path] != s.old[path] && s.old[path] != "" && !slices.Contains(s.hot, path) {
			s.count.add("another package changed")
			s.left = 0
			return
		}
	}
	want, got := filepath.Join(s.dir, "want"), filepath.Join(s.dir, "got")
	if err := s.lab.link(ctx, archives, s.dir, want); err != nil {
		s.count.add("not linked")
		s.left = 0
		return
	}
	names := s.describe()
	began := time.Now()
	if err := s.base.link(ctx, archives, "a/b/c/d", got); errors.Is(err, errGaveUp) {
		s.count.fallback(err)
		s.Logf("%d: fallback after %v: %s\n%s", s.n, time.Since(began), shorten(err.Error()), names)
		s.left = 0
		return
	} else if err != nil {
		s.count.add("error")
		s.Errorf("%d: %v\n%s", s.n, err, names)
		s.left = 0
		return
	}
	env := s.env[s.rand.IntN(len(s.env))]
	if d := s.lab.compareRuns(ctx, s.runDir, want, got, [][]string{env}, s.args...); d != "" {
		s.count.add("different")
		s.Errorf("%d: %s\n%s", s.n, d, names)
		s.keep()
		s.left = 0
		return
	}
	if s.n%3 == 0 || os.Getenv("HOTSTART_VERIFY") != "" {
		if err := s.base.verify(ctx, archives, got); err != nil {
			s.count.add("same, but not verified")
			s.Errorf("%d: %v\n%s", s.n, err, names)
			s.keep()
			s.left = 0
			return
		}
		s.count.add("verified")
	}
	s.count.add("same")
}

// keep keeps the files of a program that differs.
func (s *subject) keep() {
	dir := os.Getenv("HOTSTART_KEEP")
	if dir == "" {
		return
	}
	dir = filepath.Join(dir, fmt.Sprintf("%s-%d", filepath.Base(s.Name()), s.n))
	_ = os.CopyFS(filepath.Join(dir, "out"), os.DirFS(s.dir))
	for _, sources := range s.sources {
		for _, f := range sources {
			if len(f.added) > 0 {
				_ = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(f.name, "/"), "/", "_")), []byte(f.written), 0o666)
			}
		}
	}
}

// newBase links a base of the program as it is.
func (s *subject) newBase(ctx context.Context) {
	s.Helper()
	archives, err := s.compile(ctx)
	if err != nil {
		s.Fatal(err)
	}
	// The packages that are edited until the next base.
	s.hot = []string{"main"}
	for _, path := range s.order {
		// Above an edited package, most are compiled again.
		if above := len(s.hot) > 1; path != "main" && s.rand.IntN(10) < map[bool]int{false: 5, true: 9}[above] {
			s.hot = append(s.hot, path)
		}
	}
	if s.base != nil {
		s.base.remove()
	}
	if s.base, err = s.lab.linkBase(ctx, archives, s.hot, filepath.Join(s.dir, "base")); err != nil {
		s.Errorf("%d: %v\n%s", s.n, err, s.describe())
		s.base = nil
		return
	}
	s.old = archives
	s.left = 6
}

// edit adds some snippets to hot packages and removes others. It returns the files that it changed.
func (s *subject) edit() (changed []*editedFile) {
	s.n++
	for range 1 + s.rand.IntN(4) {
		path := s.hot[s.rand.IntN(len(s.hot))]
		files := s.sources[path]
		if len(files) == 0 {
			continue
		}
		f := files[s.rand.IntN(len(files))]
		if len(f.bodies) == 0 {
			continue
		}
		if len(f.added) > 0 && s.rand.IntN(3) == 0 {
			i := s.rand.IntN(len(f.added))
			f.added = slices.Delete(slices.Clone(f.added), i, i+1)
		} else {
			s.n++
			f.added = append(slices.Clone(f.added), addition{snippets[s.rand.IntN(len(snippets))], strconv.Itoa(s.n), s.rand.IntN(len(f.bodies))})
		}
		changed = append(changed, f)
	}
	for _, f := range changed {
		s.write(f)
	}
	return changed
}

func (s *subject) write(f *editedFile) {
	if text := f.render(); text != f.written {
		if err := os.WriteFile(f.name, []byte(text), 0o666); err != nil {
			s.Fatal(err)
		}
		f.written = text
	}
}

// undo removes all snippets of files that do not compile with them.
func (s *subject) undo(changed []*editedFile) {
	for _, f := range changed {
		f.added = nil
		s.write(f)
	}
}

// describe tells what was added to the program.
func (s *subject) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "hot: %v\n", s.hot)
	for _, path := range slices.Sorted(maps.Keys(s.sources)) {
		for _, f := range s.sources[path] {
			for _, a := range f.added {
				fmt.Fprintf(&b, "%s: %s %s; ", filepath.Base(f.name), a.name, a.number)
			}
		}
	}
	return b.String()
}

// run makes a number of steps, and logs what came of them.
func (s *subject) run(steps int) {
	s.Helper()
	for range steps {
		if s.Context().Err() != nil {
			break
		}
		s.step(s.Context())
	}
	s.Logf("%s%d broken", &s.count, s.broken)
	if s.count.results["same"] < steps/4 {
		s.Errorf("only %d of %d edits were linked by a delta", s.count.results["same"], steps)
	}
}

// long returns the number of edits; with HOTSTART_LONG, HOTSTART_EDITS sets it.
func long(usually, long int) int {
	if os.Getenv("HOTSTART_LONG") == "" {
		return usually
	}
	if n, err := strconv.Atoi(os.Getenv("HOTSTART_EDITS")); err == nil {
		return n
	}
	return long
}

// seeded returns a source of random numbers: the same one for each run, unless HOTSTART_EDITS asks for more edits.
func seeded(t *testing.T) *rand.Rand {
	seed := uint64(1)
	if os.Getenv("HOTSTART_EDITS") != "" {
		seed = rand.Uint64()
	}
	if n, err := strconv.ParseUint(os.Getenv("HOTSTART_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("HOTSTART_SEED=%d", seed)
	h := fnv.New64a()
	h.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// cached compiles packages, each only if its files or an archive that it may import has changed.
type cached struct {
	*lab
	dir      string
	units    []unit
	keys     map[string]string // by import path: what the archive was made from
	archives map[string]string
	n        int
}

func (c *cached) compile(ctx context.Context) (archives map[string]string, err error) {
	archives = maps.Clone(c.std)
	dirty := ""
	for _, u := range c.units {
		h := fnv.New64a()
		for _, name := range u.files {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			h.Write(text)
		}
		key := fmt.Sprint(h.Sum64(), dirty)
		if c.keys[u.path] != key {
			c.n++
			dir := filepath.Join(c.dir, strconv.Itoa(c.n%400))
			_ = os.MkdirAll(dir, 0o777)
			compiled, err := c.compileOne(ctx, dir, u, archives, c.n)
			if err != nil {
				c.keys[u.path] = ""
				return nil, err
			}
			if !sameFile(c.archives[u.path], compiled) {
				c.archives[u.path] = compiled
			}
			c.keys[u.path] = key
		}
		dirty = fmt.Sprint(dirty, c.archives[u.path])
		archives[u.path] = c.archives[u.path]
	}
	return archives, nil
}

func sameFile(x, y string) bool {
	a, errA := os.ReadFile(x)
	b, errB := os.ReadFile(y)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Random edits of a program of several packages.
func TestRandomEdits(t *testing.T) {
	l := newLab(t)
	runs := 2
	for i := range runs {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			s := l.subject(t, randomProgram)
			s.run(long(8, 200) / runs)
		})
	}
}

// subject writes a program: its packages are compiled in the order of the files.
func (l *lab) subject(t *testing.T, archive []file) *subject {
	t.Helper()
	dir := t.TempDir()
	s := &subject{T: t, lab: l, dir: filepath.Join(dir, "out"), sources: map[string][]*editedFile{}, runDir: dir, rand: seeded(t), env: environments}
	_ = os.Mkdir(s.dir, 0o777)
	c := &cached{lab: l, dir: filepath.Join(dir, "archives"), keys: map[string]string{}, archives: map[string]string{}}
	c.units = writeProgram(t, archive).units
	for _, u := range c.units {
		if u.path == "cold/below" {
			continue
		}
		s.order = append(s.order, u.path)
		if u.path == "cold/above" {
			continue
		}
		for _, name := range u.files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := newEditedFile(name, string(text))
			if err != nil {
				t.Fatal(err)
			}
			s.sources[u.path] = append(s.sources[u.path], f)
		}
	}
	s.compile = c.compile
	return s
}

// writeProgram writes the files of a program.
func writeProgram(t *testing.T, files []file) corpusProgram {
	t.Helper()
	dir := t.TempDir()
	p := corpusProgram{name: "random", dir: dir}
	for _, f := range files {
		name := filepath.Join(dir, f.name)
		buildtest.Write(t, name, f.text)
		path := filepath.Dir(f.name)
		if path == "." {
			path = "main"
		}
		if n := len(p.units); n == 0 || p.units[n-1].path != path {
			p.units = append(p.units, unit{path: path, dir: filepath.Dir(name)})
		}
		last := &p.units[len(p.units)-1]
		last.files = append(last.files, name)
	}
	return p
}

// file is a file of a program.
type file struct{ name, text string }
