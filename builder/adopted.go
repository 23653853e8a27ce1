package builder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/hotstart/hotstart/builder/adopt"
)

// adoption is what is known of how to adopt the program, see package adopt.
type adoption struct {
	mu      sync.Mutex
	dir     string          // of package main; "": not known yet
	path    string          // its import path; "": it is in no module
	imports map[string]bool // packages of the program; once it had one, the file may import it
	cache   adopt.Cache
	refused error // why the last build was not adopted, or nil
	broken  error // why none is any more
}

// Instrumentation says of the last Build with Options.Adopt what its binary was instrumented for:
// "net" or "net/http", or "" if it has neither and listens to nobody. The error says in
// one line why it could not be adopted; such a program is built as it is.
func (b *Builder) Instrumentation() (what string, err error) {
	a := &b.adoption
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.refused != nil:
		return "", a.refused
	case a.imports["net/http"]:
		return "net/http", nil
	case a.imports["net"]:
		return "net", nil
	}
	return "", nil
}

// Imports reports whether the program imports a package, by itself or by another one, as
// far as that is known: from the first build with Options.Adopt, or the first List.
func (b *Builder) Imports(path string) bool {
	b.adoption.mu.Lock()
	defer b.adoption.mu.Unlock()
	return b.adoption.imports[path]
}

// adopt returns the flags that have the program adopted, and the file to name beside
// others that the user named. What the program imports may be out of date: only missed
// knows better.
func (b *Builder) adopt(ctx context.Context) (flags, files []string, err error) {
	a := &b.adoption
	a.mu.Lock()
	defer a.mu.Unlock()
	if !b.adopts || a.broken != nil {
		return nil, nil, nil
	}
	if !isDir(a.dir) { // not known, or known by the name that it had for a moment
		if err := b.learn(ctx); err != nil {
			return nil, nil, err
		}
	}
	a.refused = nil
	if !a.imports["net"] {
		return nil, nil, nil
	}
	if strings.ContainsRune(a.dir, utf8.RuneError) { // as it is, or as JSON has changed it
		a.refused = fmt.Errorf("the name of the folder %q is not UTF-8, and an overlay can't name it", a.dir)
		return nil, nil, nil
	}
	made, err := b.adoptable().Adopt()
	if err != nil {
		a.refused = err
		return nil, nil, nil
	}
	if first := b.packages[0]; strings.HasSuffix(first, ".go") {
		dir, _ := filepath.Split(first) // the go command wants it written alike
		files = []string{dir + adopt.FileName}
	}
	return made.Flags, files, nil
}

// learn asks the go command where package main is and what the program imports. That
// costs about 50 ms, before the first build only: List says it later by the way.
func (b *Builder) learn(ctx context.Context) error {
	args := append([]string{"list", "-e"}, b.user...)
	args = append(args, "-pgo=off", "-buildvcs=false", "-json=Dir,Name,ImportPath,Module,Deps")
	stdout, _, err := b.command.run(ctx, append(args, b.packages...)...)
	if ctx.Err() != nil {
		return fmt.Errorf("listing the packages of %s: %w", b.Package(), err)
	}
	var main struct {
		Dir, Name, ImportPath string
		Module                *struct{}
		Deps                  []string
	}
	if json.Unmarshal([]byte(stdout), &main) == nil && main.Name == "main" {
		b.adoption.know(main.Dir, main.Deps)
		b.adoption.path = ""
		if main.Module != nil && main.ImportPath != "command-line-arguments" {
			b.adoption.path = main.ImportPath
		}
	}
	return nil // the build will say what is wrong
}

// know sets where package main is and adds to what the program imports. With mu held.
func (a *adoption) know(dir string, imports []string) {
	a.dir = dir
	if a.imports == nil {
		a.imports = map[string]bool{}
	}
	for _, path := range imports {
		a.imports[path] = true
	}
}

// listed tells what List has found.
func (a *adoption) listed(packages []*listed) {
	var dir string
	imports := make([]string, 0, len(packages))
	for _, p := range packages {
		if p.DepOnly {
			imports = append(imports, p.ImportPath)
		} else {
			dir = p.Dir
		}
	}
	if dir == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.imports = nil
	a.know(dir, imports)
}

// adoptable describes the build. With mu held.
func (b *Builder) adoptable() adopt.Build {
	o := adopt.Build{
		GOROOT: b.env.GOROOT, GOMODCACHE: b.env.GOMODCACHE, GOVERSION: b.env.GOVERSION, GOOS: b.env.GOOS, GOARCH: b.env.GOARCH,
		Dir:    b.adoption.dir,
		Path:   b.adoption.path,
		Shared: b.flags.isSet("linkshared"),
		Cover:  b.flags.isSet("cover"),
		Output: b.output,
		Cache:  &b.adoption.cache,
	}
	for path := range b.adoption.imports {
		o.Imports = append(o.Imports, path)
	}
	if overlay, ok := b.flags.value("overlay"); ok && overlay != "" {
		o.Overlay = b.absolute(overlay)
	}
	o.Mode, _ = b.flags.value("buildmode")
	o.Compiler, _ = b.flags.value("compiler")
	flags := b.flags
	if !b.debug {
		flags = slices.Concat(parseFlags(b.flags.defaults()), flags)
	}
	for _, flag := range flags {
		if flag.name == "ldflags" {
			o.LDFlags = append(o.LDFlags, flag.value)
		}
	}
	return o
}

// The functions by which a program listens; their names are in every binary, for stack
// traces.
var listening = []struct{ path, function string }{
	{"net/http", "net/http.(*Server).Serve\x00"},
	{"net", "net.(*netFD).listenStream\x00"},
}

// missed reports whether a binary listens by a package that its adoption did not know
// of, since an edit brought it in, and remembers that.
func (b *Builder) missed(binary string) bool {
	a := &b.adoption
	a.mu.Lock()
	defer a.mu.Unlock()
	if !b.adopts || a.refused != nil || a.dir == "" {
		return false
	}
	for _, l := range listening {
		if a.imports[l.path] {
			return false
		}
		if contains(binary, l.function) {
			a.know(a.dir, []string{l.path, "net"})
			return true
		}
	}
	return false
}

// contains reports whether a file contains a text.
func contains(name, text string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	buf, kept := make([]byte, 1<<20), 0
	for {
		n, err := io.ReadFull(f, buf[kept:])
		if bytes.Contains(buf[:kept+n], []byte(text)) {
			return true
		}
		if err != nil {
			return false
		}
		kept = copy(buf, buf[len(buf)-len(text):])
	}
}

// suspects reports whether a build failed, maybe because it was adopted.
func (b *Builder) suspects(err error) bool {
	var broken *BuildError
	return b.adopts && errors.As(err, &broken) && strings.Contains(broken.Output, "hotstart_adopt")
}

// renamed reports whether package main has another path since the user has renamed the
// module, and learns that.
func (b *Builder) renamed(ctx context.Context) bool {
	a := &b.adoption
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.path
	return b.learn(ctx) == nil && a.path != before
}

// blame has the program adopted no more. Until that is decided, a build that runs beside
// the one which decides is adopted.
func (a *adoption) blame(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = fmt.Errorf("the code that adopts it does not build: %w", err)
	a.refused = a.broken
}

// misses reports whether an adopted build found no func main. There may be no file left
// but the one that adopts: without it, the go command says so.
func (b *Builder) misses(err error) bool {
	var broken *BuildError
	return b.adopts && errors.As(err, &broken) && strings.Contains(broken.Output, "function main is undeclared")
}
