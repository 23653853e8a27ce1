package delta

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// corpusProgram is a program of the test folder of Go.
type corpusProgram struct {
	name  string
	dir   string // where it runs
	args  []string
	units []unit
}

// runLine matches the first line of a program that is to be run.
var runLine = regexp.MustCompile(`^// (run|rundir)( .*)?$`)

// corpus returns the programs of GOROOT/test that are run.
func corpus(t *testing.T, root string) (programs []corpusProgram) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || d.IsDir() {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// Some have build constraints before it.
		for line := range bytes.Lines(source) {
			line := string(bytes.TrimSpace(line))
			if m := runLine.FindStringSubmatch(line); m != nil {
				if p, ok := parseProgram(root, path, m[1], strings.Fields(m[2])); ok {
					programs = append(programs, p)
				}
				break
			}
			if line != "" && !strings.HasPrefix(line, "//go:build") {
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

func parseProgram(root, path, kind string, words []string) (p corpusProgram, ok bool) {
	name, _ := filepath.Rel(root, path)
	p = corpusProgram{name: name, dir: filepath.Dir(path)}
	var flags []string
	for _, w := range words {
		switch value, is := strings.CutPrefix(w, "-gcflags="); {
		case is && !strings.ContainsAny(value, `'"`):
			flags = append(flags, strings.TrimPrefix(value, "all="))
		case strings.HasPrefix(w, "-"):
			return p, false
		default:
			p.args = append(p.args, w)
		}
	}
	if kind == "run" {
		p.units = []unit{{path: "main", dir: p.dir, files: []string{path}, flags: append(flags, "-D", ".")}}
		return p, true
	}
	// The packages of a directory, in the order of the first file of each, as the tests of Go do.
	files, _ := filepath.Glob(filepath.Join(strings.TrimSuffix(path, ".go")+".dir", "*.go"))
	clause, last := regexp.MustCompile(`(?m)^package (\w+)`), ""
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return p, false
		}
		m := clause.FindSubmatch(source)
		if m == nil {
			return p, false
		}
		if string(m[1]) != last {
			last = string(m[1])
			path := "test/" + strings.TrimSuffix(filepath.Base(file), ".go")
			if last == "main" {
				path = "main"
			}
			p.units = append(p.units, unit{path: path, dir: filepath.Dir(file), flags: append(slices.Clone(flags), "-D", "test")})
		}
		u := &p.units[len(p.units)-1]
		u.files = append(u.files, file)
	}
	return p, len(p.units) > 0 && p.units[len(p.units)-1].path == "main"
}

// hot returns the import paths of all packages of a program.
func (p corpusProgram) hot() (paths []string) {
	for _, u := range p.units {
		paths = append(paths, u.path)
	}
	return paths
}

// earlier is a kind of an earlier version of a program, of which the base is linked.
type earlier struct {
	name string
	make func(f *ast.File, isMain bool) // changes a file into the earlier version
}

var earliers = []earlier{
	{"itself", func(*ast.File, bool) {}},
	{"imports alone", func(f *ast.File, isMain bool) {
		f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool { g, ok := d.(*ast.GenDecl); return isMain && (!ok || g.Tok != token.IMPORT) })
		if isMain {
			f.Decls = append(f.Decls, &ast.FuncDecl{Name: ast.NewIdent("main"), Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{}})
		}
	}},
	{"half of the bodies", func(f *ast.File, _ bool) { emptyBodies(f, false) }},
	{"half of the bodies, and what they use", func(f *ast.File, isMain bool) {
		emptyBodies(f, isMain)
		if isMain {
			removeUnused(f)
		}
	}},
}

// emptyBodies replaces the bodies of some functions by a panic: of about half of them, and that
// of main if it is wished.
func emptyBodies(f *ast.File, andMain bool) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || fn.Name.Name == "init" || fn.Name.Name == "_" {
			continue
		}
		h := fnv.New32a()
		h.Write([]byte(fn.Name.Name))
		if isMain := fn.Name.Name == "main" && fn.Recv == nil; isMain && andMain || !isMain && h.Sum32()%2 == 0 {
			fn.Body.List = nil
			if fn.Type.Results != nil {
				fn.Body.List = []ast.Stmt{&ast.ExprStmt{X: &ast.CallExpr{Fun: ast.NewIdent("panic"), Args: []ast.Expr{&ast.BasicLit{Kind: token.INT, Value: "1"}}}}}
			}
		}
	}
}

// removeUnused removes functions and types whose names the rest of the file does not use.
func removeUnused(f *ast.File) {
	for {
		used := map[string]int{}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				used[id.Name]++
			}
			return true
		})
		before := len(f.Decls)
		f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
			switch d := d.(type) {
			case *ast.FuncDecl:
				return d.Recv == nil && d.Name.Name != "main" && d.Name.Name != "init" && used[d.Name.Name] == 1
			case *ast.GenDecl:
				if spec, ok := d.Specs[0].(*ast.TypeSpec); ok && len(d.Specs) == 1 {
					return used[spec.Name.Name] == 1
				}
			}
			return false
		})
		if len(f.Decls) == before {
			return
		}
	}
}

// blankUnusedImports keeps the imports of a file whose names it does not use any more.
func blankUnusedImports(f *ast.File) {
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok {
				used[id.Name] = true
			}
		}
		return true
	})
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := strings.TrimPrefix(filepath.Base(path), ".")
		if name == "v2" { // math/rand/v2
			name = filepath.Base(filepath.Dir(path))
		}
		if i.Name != nil {
			name = i.Name.Name
		}
		if name == "." && len(f.Decls) < 4 || name != "." && name != "_" && !used[name] {
			i.Name = ast.NewIdent("_")
		}
	}
}

// before writes an earlier version of a program into dir.
func (p corpusProgram) before(e earlier, dir string) (units []unit, err error) {
	for i, u := range p.units {
		changed := u
		changed.files = nil
		for j, file := range u.files {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution|parser.ParseComments)
			if err != nil {
				return nil, err
			}
			e.make(f, u.path == "main")
			blankUnusedImports(f)
			// Only directives are kept of the comments: the others lose their places.
			f.Comments = nil
			var b bytes.Buffer
			if err := format.Node(&b, set, f); err != nil {
				return nil, err
			}
			name := filepath.Join(dir, fmt.Sprintf("%d-%d-%s", i, j, filepath.Base(file)))
			if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
				return nil, err
			}
			changed.files = append(changed.files, name)
		}
		units = append(units, changed)
	}
	return units, nil
}

// compareProgram links a program with deltas of all earlier versions, and runs it.
func (l *lab) compareProgram(t *testing.T, ctx context.Context, p corpusProgram, count map[string]*tally, environments [][]string) {
	dir := t.TempDir()
	each := func(result string) {
		for _, e := range earliers {
			count[e.name].add(result)
		}
	}
	if p.units[0].path != "main" && len(p.units) == 1 {
		each("not a program")
		return
	}
	after := filepath.Join(dir, "after")
	_ = os.Mkdir(after, 0o777)
	archives, err := l.compile(ctx, after, p.units)
	if err != nil {
		each("not compiled")
		t.Logf("%s: %v", p.name, err)
		return
	}
	want := filepath.Join(dir, "want")
	if err := l.link(ctx, archives, dir, want); err != nil {
		each("not linked")
		t.Logf("%s: %v", p.name, err)
		return
	}
	h := fnv.New32a()
	h.Write([]byte(p.name))
	for i, e := range earliers {
		if i%2 != int(h.Sum32()%2) && (os.Getenv("HOTSTART_PROGRAMS") == "" || os.Getenv("HOTSTART_LONG") == "") {
			continue
		}
		work := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(work, 0o777); err != nil {
			t.Fatal(err)
		}
		old := archives
		if i > 0 {
			units, err := p.before(e, work)
			if err == nil {
				old, err = l.compile(ctx, work, units)
			}
			if err != nil {
				count[e.name].add("no earlier version")
				t.Logf("%s: %s: %v", p.name, e.name, err)
				continue
			}
		}
		b, err := l.linkBase(ctx, old, p.hot(), filepath.Join(work, "base"))
		if err != nil {
			count[e.name].add("no base")
			t.Errorf("%s: %s: %v", p.name, e.name, err)
			continue
		}
		got := filepath.Join(work, "got")
		if err := b.link(ctx, archives, "a/b/c/d", got); errors.Is(err, errGaveUp) {
			count[e.name].fallback(err)
			t.Logf("%s: %s: %s", p.name, e.name, shorten(err.Error()))
			continue
		} else if err != nil {
			count[e.name].add("error")
			t.Errorf("%s: %s: %v", p.name, e.name, err)
			continue
		}
		if d := l.compareRuns(ctx, p.dir, want, got, environments, p.args...); d != "" {
			count[e.name].add("different")
			t.Errorf("%s: %s: %s", p.name, e.name, d)
			if keep := os.Getenv("HOTSTART_KEEP"); keep != "" {
				_ = os.CopyFS(filepath.Join(keep, strings.ReplaceAll(p.name, "/", "_")+"-"+strconv.Itoa(i)), os.DirFS(dir))
			}
			continue
		}
		if err := b.verify(ctx, archives, got); err != nil {
			count[e.name].add("same, but not verified")
			t.Errorf("%s: %s: %v", p.name, e.name, err)
			continue
		}
		count[e.name].add("same")
	}
}

// chosen are the programs to compare: some, or those whose names match HOTSTART_PROGRAMS. Not every
// Go installation has the tests of Go, and HOTSTART_GOTEST names those of another one: the program of
// TestRandomEdits is always there.
func (l *lab) chosen(t *testing.T) (programs []corpusProgram) {
	t.Helper()
	all := []corpusProgram{writeProgram(t, randomProgram)}
	if root := cmp.Or(os.Getenv("HOTSTART_GOTEST"), filepath.Join(l.goroot, "test")); paths.IsDir(root) {
		all = append(all, corpus(t, root)...)
	} else {
		t.Logf("%s does not exist", root)
	}
	pattern, every := os.Getenv("HOTSTART_PROGRAMS"), 600
	if os.Getenv("HOTSTART_LONG") != "" {
		every = 80
	}
	for i, p := range all {
		if p.name == "nilptr.go" {
			continue // it wants a variable of 256 MB at a low address
		}
		if pattern == "" && i%every == 0 || pattern != "" && regexp.MustCompile(pattern).MatchString(p.name) {
			programs = append(programs, p)
		}
	}
	return programs
}

// Programs of Go's own tests.
func TestProgramsOfGo(t *testing.T) {
	buildtest.Long(t)
	l := newLab(t)
	programs := l.chosen(t)
	t.Logf("%d programs", len(programs))
	count := map[string]*tally{}
	for _, e := range earliers {
		count[e.name] = &tally{}
	}
	work := make(chan corpusProgram)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for p := range work {
				t.Run(p.name, func(t *testing.T) {
					l.compareProgram(t, t.Context(), p, count, environments)
				})
			}
		})
	}
	for _, p := range programs {
		work <- p
	}
	close(work)
	group.Wait()
	for _, e := range earliers {
		t.Logf("from %s: %s", e.name, count[e.name])
	}
}
