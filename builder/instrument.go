package builder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/hotstart/hotstart/builder/adopt"
	"github.com/hotstart/hotstart/builder/internal/fastbuild"
	"github.com/hotstart/hotstart/builder/internal/graph"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

// instrumentation is what is known about how to instrument the program, see package adopt.
type instrumentation struct {
	enabled bool

	mu      sync.Mutex
	dir     string          // of package main; "" until it is known
	path    string          // import path of package main
	imports map[string]bool // packages that the program has; nil until they are known
	cache   adopt.Cache     // of GOROOT
	refused error           // why the last build was not instrumented; nil if it was
	broken  error           // why no further build is instrumented; nil if they are
}

// Instrumentation returns which package the last Build with Options.Adopt instrumented: "net" or
// "net/http", or "" if the program has neither, and does not listen. The error says in one line
// why the program could not be instrumented. Such a program is built without.
func (b *Builder) Instrumentation() (what string, err error) {
	i := &b.instrumentation
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refused != nil {
		return "", i.refused
	}
	for _, l := range listenFunctions {
		if i.imports[l.path] {
			return l.path, nil
		}
	}
	return "", nil
}

// Imports reports whether the program imports a package, directly or not. That is known from
// the first build with Options.Adopt, or from the first List.
func (b *Builder) Imports(path string) bool {
	b.instrumentation.mu.Lock()
	defer b.instrumentation.mu.Unlock()
	return b.instrumentation.imports[path]
}

// instrument returns the inputs of a build that instrument the program. The known imports may
// be out of date: missesListener finds out.
func (b *Builder) instrument(ctx context.Context) (in fastbuild.Inputs, err error) {
	i := &b.instrumentation
	if !i.isKnown() {
		if _, err := b.List(ctx); err != nil {
			return in, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.enabled || i.broken != nil {
		return in, nil
	}
	i.refused = nil
	if !i.imports["net"] {
		return in, nil
	}
	if strings.ContainsRune(i.dir, utf8.RuneError) { // JSON, too, changes a name to that
		i.refused = fmt.Errorf("the name of the folder %q is not UTF-8, and an overlay can't name it", i.dir)
		return in, nil
	}
	made, err := b.adoptBuild().Adopt()
	if err != nil {
		i.refused = err
		return in, nil
	}
	in.Flags = made.Flags
	if b.project.NamesFiles() {
		dir, _ := filepath.Split(b.project.Packages[0]) // the go command wants all files written alike
		for _, name := range made.Files {
			in.Files = append(in.Files, dir+name)
		}
	}
	return in, nil
}

// isKnown reports whether the program need not be listed: its directory is known and was not
// renamed for a moment, or it is not instrumented.
func (i *instrumentation) isKnown() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.enabled || i.broken != nil || paths.IsDir(i.dir)
}

// update replaces what is known by a complete graph.
func (i *instrumentation) update(g *graph.Graph) {
	if g.Err != nil || g.MainDir == "" {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.dir, i.path, i.imports = g.MainDir, g.Root, map[string]bool{}
	for _, path := range g.Imports {
		i.imports[path] = true
	}
}

// adoptBuild describes the build for package adopt. i.mu is held.
func (b *Builder) adoptBuild() adopt.Build {
	env, flags, i := b.project.Env, b.project.AllFlags(), &b.instrumentation
	build := adopt.Build{
		GOROOT: env.GOROOT, GOMODCACHE: env.GOMODCACHE, GOVERSION: env.GOVERSION, GOOS: env.GOOS, GOARCH: env.GOARCH,
		Dir:    i.dir,
		Shared: flags.IsSet("linkshared"),
		Cover:  flags.IsSet("cover"),
		Output: b.output,
		Cache:  i.cache,
	}
	if !b.project.NamesFiles() {
		build.Path = i.path
	}
	for path := range i.imports {
		build.Imports = append(build.Imports, path)
	}
	if overlay, ok := flags.Value("overlay"); ok && overlay != "" {
		build.Overlay = b.project.Absolute(overlay)
	}
	build.Mode, _ = flags.Value("buildmode")
	build.Compiler, _ = flags.Value("compiler")
	for _, flag := range flags {
		if flag.Name == "ldflags" {
			build.LDFlags = append(build.LDFlags, flag.Value)
		}
	}
	return build
}

// listenFunctions are the functions by which a program listens. Every binary that has them
// contains their names, for stack traces.
var listenFunctions = []struct{ path, function string }{
	{"net/http", "net/http.(*Server).Serve\x00"},
	{"net", "net.(*netFD).listenStream\x00"},
}

// missesListener reports whether a binary listens by a package that was unknown when the binary
// was instrumented, since an edit has added the import. It remembers the package.
func (i *instrumentation) missesListener(binary string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.enabled || i.refused != nil || i.dir == "" {
		return false
	}
	for _, l := range listenFunctions {
		if i.imports[l.path] {
			return false
		}
		if fileContains(binary, l.function) {
			i.imports[l.path], i.imports["net"] = true, true
			return true
		}
	}
	return false
}

// fileContains reports whether a file contains a text.
func fileContains(name, text string) bool {
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

// mayBeInjectionFault reports whether a build failed, maybe because of the instrumentation.
func (b *Builder) mayBeInjectionFault(err error) bool {
	return b.instrumentation.enabled && outputContains(err, "hotstart_adopt")
}

func outputContains(err error, text string) bool {
	var broken *BuildError
	return errors.As(err, &broken) && strings.Contains(broken.Output, text)
}

// disable ends the instrumentation. Concurrent builds may still be instrumented.
func (i *instrumentation) disable(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.broken = fmt.Errorf("the code that adopts it does not build: %w", err)
	i.refused = i.broken
}
