package delta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// listed is a package that `go list` prints.
type listed struct {
	ImportPath, Name, Export, Dir   string
	GoFiles, Deps, CgoFiles, SFiles []string
}

// path returns the import path of a package, which may be compiled for a test.
func (p listed) path() string {
	path, _, _ := strings.Cut(p.ImportPath, " ")
	return path
}

// list compiles the test of a package, and returns all packages of the test's program.
func (l *lab) list(ctx context.Context, dir, pkg string, flags ...string) (archives map[string]string, packages []listed, err error) {
	byPath, err := l.goList(ctx, dir, pkg, append(flags, "-test")...)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range byPath {
		if strings.HasSuffix(p.ImportPath, ".test") {
			archives, packages = linked(byPath, p)
			return archives, packages, nil
		}
	}
	return nil, nil, fmt.Errorf("%s has no tests", pkg)
}

// program compiles a program and returns its archives.
func (l *lab) program(ctx context.Context, dir, pkg string) (archives map[string]string, err error) {
	byPath, err := l.goList(ctx, dir, pkg)
	if err != nil {
		return nil, err
	}
	for _, p := range byPath {
		if p.Name == "main" {
			archives, _ = linked(byPath, p)
			return archives, nil
		}
	}
	return nil, fmt.Errorf("%s is not a program", pkg)
}

// goList compiles packages and those that they import.
func (l *lab) goList(ctx context.Context, dir, pkg string, flags ...string) (byPath map[string]listed, err error) {
	args := append([]string{"list", "-export", "-deps", "-json=ImportPath,Name,Export,Dir,GoFiles,CgoFiles,SFiles,Deps"}, flags...)
	cmd := exec.CommandContext(ctx, filepath.Join(l.goroot, "bin", "go"), append(args, pkg)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, &errs)
	}
	byPath = map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		byPath[p.ImportPath] = p
	}
	return byPath, nil
}

// linked returns what a package main is linked with.
func linked(byPath map[string]listed, main listed) (archives map[string]string, packages []listed) {
	archives = map[string]string{"main": main.Export}
	for _, name := range main.Deps {
		if p := byPath[name]; p.Export != "" {
			archives[p.path()] = p.Export
			packages = append(packages, p)
		}
	}
	return archives, packages
}

// modules are the modules whose tests are edited at random. With HOTSTART_LONG the first ones are, with
// HOTSTART_EDITS all.
var modules = []string{
	"github.com/BurntSushi/toml@v1.6.0",
	"github.com/spf13/pflag@v1.0.9",
	"github.com/bmatcuk/doublestar/v4@v4.10.4",
	"github.com/joho/godotenv@v1.5.1",
	"github.com/go-chi/chi/v5@v5.2.3",
	"github.com/gorilla/mux@v1.8.1",
	"github.com/tidwall/gjson@v1.18.0",
	"gopkg.in/yaml.v3@v3.0.1",
	"github.com/google/btree@v1.1.3",
	"github.com/valyala/fastjson@v1.6.4",
}

func TestRandomEditsOfModules(t *testing.T) {
	buildtest.Long(t)
	tried := modules
	if os.Getenv("HOTSTART_EDITS") == "" {
		tried = modules[:2]
	}
	l := newLab(t)
	for _, module := range tried {
		t.Run(strings.ReplaceAll(module, "/", "_"), func(t *testing.T) {
			l.module(t, module).run(long(0, 4))
		})
	}
}

// module returns a module whose tests are to be edited.
func (l *lab) module(t *testing.T, module string) *subject {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "module")
	copyWritable(t, l.download(t, module), src)
	s := &subject{T: t, lab: l, dir: filepath.Join(dir, "out"), sources: map[string][]*editedFile{}, runDir: src, rand: seeded(t), env: environments,
		args: []string{"-test.v", "-test.short", "-test.parallel=1", "-test.run=^(Test|Example)"}}
	if err := os.Mkdir(s.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	s.compile = func(ctx context.Context) (map[string]string, error) {
		archives, _, err := l.list(ctx, src, ".")
		keepSame(s.old, archives)
		return archives, err
	}
	_, packages, err := l.list(t.Context(), src, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages {
		if !strings.HasPrefix(p.Dir, src) || len(p.CgoFiles)+len(p.SFiles) > 0 {
			continue
		}
		s.order = append(s.order, p.path())
		for _, name := range p.GoFiles {
			file := filepath.Join(p.Dir, name)
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f, err := newEditedFile(file, string(text))
			if err != nil {
				t.Fatal(err)
			}
			s.sources[p.path()] = append(s.sources[p.path()], f)
		}
	}
	t.Logf("packages: %v", s.order)
	return s
}

// download returns the directory of a module, which has a version.
func (l *lab) download(t testing.TB, module string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(l.goroot, "bin", "go"), "mod", "download", "-json", module)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal(out, &downloaded); err != nil {
		t.Fatal(err)
	}
	return downloaded.Dir
}

// copyWritable copies a directory of the module cache, where all is read-only.
func copyWritable(t testing.TB, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(name, 0o777)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(name, content, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// standard are packages of the standard library whose tests are linked in both ways.
var standard = []string{
	"strings", "sort", "encoding/json", "text/template", "net/http", "bytes", "errors", "fmt", "reflect", "regexp", "slices", "maps",
	"bufio", "container/heap", "encoding/gob", "encoding/xml", "go/parser", "html/template", "io", "io/fs", "iter", "log/slog", "math/big",
	"net/netip", "net/url", "path/filepath", "strconv", "sync", "sync/atomic", "text/tabwriter", "time", "unique", "weak", "unicode/utf8", "context", "runtime/debug",
}

// Tests of the standard library: the package under test is hot, and the delta comes from a version of
// it in which many functions are longer.
func TestStandardLibrary(t *testing.T) {
	buildtest.Long(t)
	tried := standard
	if os.Getenv("HOTSTART_PROGRAMS") == "" {
		tried = []string{"sort", "text/tabwriter"}
	}
	l := newLab(t)
	var count tally
	for _, pkg := range tried {
		t.Run(strings.ReplaceAll(pkg, "/", "_"), func(t *testing.T) { l.compareStandard(t, pkg, &count) })
	}
	t.Log(&count)
}

func (l *lab) compareStandard(t *testing.T, pkg string, count *tally) {
	ctx, dir := t.Context(), t.TempDir()
	archives, packages, err := l.list(ctx, dir, pkg)
	if err != nil {
		t.Fatal(err)
	}
	hot := []string{"main"}
	replace := map[string]string{}
	src := ""
	for _, p := range packages {
		if p.path() != pkg && p.path() != pkg+"_test" {
			continue
		}
		hot = append(hot, p.path())
		src = p.Dir
		for _, name := range p.GoFiles {
			file := filepath.Join(p.Dir, name)
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := lengthen(file)
			if err != nil {
				t.Fatal(err)
			}
			changed := filepath.Join(dir, name)
			if err := os.WriteFile(changed, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			replace[file] = changed
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o666); err != nil {
		t.Fatal(err)
	}
	before, _, err := l.list(ctx, dir, pkg, "-overlay", filepath.Join(dir, "overlay.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(archives)) {
		if before[path] != archives[path] && !slices.Contains(hot, path) {
			if !sameArchive(before[path], archives[path]) {
				hot = append(hot, path)
			}
		}
	}
	t.Logf("hot: %v", hot)
	b, err := l.linkBase(ctx, before, hot, filepath.Join(dir, "base"))
	if never := (*neverHot)(nil); errors.As(err, &never) {
		count.fallback(err)
		t.Log(err)
		return
	} else if err != nil {
		t.Fatal(err)
	}
	want, got := filepath.Join(dir, "want"), filepath.Join(dir, "got")
	if err := l.link(ctx, archives, dir, want); err != nil {
		t.Fatal(err)
	}
	if err := b.link(ctx, archives, "a/b/c/d", got); errors.Is(err, errGaveUp) {
		count.fallback(err)
		t.Logf("fallback: %v", err)
		return
	} else if err != nil {
		count.add("error")
		t.Fatal(err)
	}
	if err := b.verify(ctx, archives, got); err != nil {
		count.add("not verified")
		t.Error(err)
	}
	x, y := l.testResults(ctx, src, want), l.testResults(ctx, src, got)
	for range 3 { // some tests depend on time
		if x == y {
			break
		}
		x, y = l.testResults(ctx, src, want), l.testResults(ctx, src, got)
	}
	if x != y {
		count.add("different")
		t.Errorf("-- ordinary: %s\n-- delta: %s", x, y)
		return
	}
	count.add("same")
}

// testResults runs a test program and returns which tests have passed.
func (l *lab) testResults(ctx context.Context, dir, program string) string {
	b := l.run(ctx, dir, nil, program, "-test.v", "-test.short", "-test.parallel=1", "-test.run=^(Test|Example)")
	var results []string
	for line := range strings.Lines(b.output) {
		if strings.HasPrefix(strings.TrimSpace(line), "--- ") {
			results = append(results, line)
		}
	}
	slices.Sort(results)
	return b.exit + "\n" + strings.Join(results, "")
}

// lengthen returns a source whose long functions have one more statement, in the same lines: so what
// others see of the package remains the same.
func lengthen(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", err
	}
	name := "hotstart" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.TrimSuffix(filepath.Base(file), ".go"))
	var b strings.Builder
	last := 0
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || fn.Doc != nil && slices.ContainsFunc(fn.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:") }) {
			continue
		}
		start, end := set.Position(fn.Body.Lbrace), set.Position(fn.Body.Rbrace)
		if end.Line-start.Line < 15 || fn.Type.TypeParams != nil {
			continue
		}
		b.WriteString(string(text[last : start.Offset+1]))
		fmt.Fprintf(&b, " if %s != 0 { panic(%s) };", name, name)
		last = start.Offset + 1
	}
	b.Write(text[last:])
	if last > 0 {
		fmt.Fprintf(&b, "\nvar %s int\n", name)
	}
	return b.String(), nil
}

// buildID matches the build ID in an archive.
var buildID = regexp.MustCompile(`build id "[^"]*"`)

// sameArchive reports whether two archives have the same content, except their build IDs: the go
// command compiles a package again whose dependencies have changed in any way.
func sameArchive(x, y string) bool {
	a, errA := os.ReadFile(x)
	b, errB := os.ReadFile(y)
	return errA == nil && errB == nil && bytes.Equal(buildID.ReplaceAll(a, nil), buildID.ReplaceAll(b, nil))
}

// keepSame replaces archives by those with the same content that were used before.
func keepSame(before, archives map[string]string) {
	for path, file := range archives {
		if old := before[path]; old != "" && old != file && sameArchive(old, file) {
			archives[path] = old
		}
	}
}
