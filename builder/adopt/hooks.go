package adopt

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
)

// A linkname is a variable or method of the standard library that package hook reaches by go:linkname.
type linkname struct {
	file string // below GOROOT/src
	name string // name of the variable or method
	kind string // its type, as gofmt writes it
}

var (
	always = []linkname{
		{"net/hook_unix.go", "socketFunc", "func(int, int, int) (int, error)"},
		{"net/hook_unix.go", "listenFunc", "func(int, int) error"},
		{"internal/poll/hook_unix.go", "CloseFunc", "func(int) error"},
	}
	accept4 = linkname{"internal/poll/hook_cloexec.go", "Accept4Func", "func(int, int) (int, syscall.Sockaddr, error)"}
	accept  = linkname{"internal/poll/hook_unix.go", "AcceptFunc", "func(int) (int, syscall.Sockaddr, error)"}
	ofHTTP  = []linkname{
		{"net/http/server.go", "testHookServerServe", "func(*Server, net.Listener)"},
		{"net/http/server.go", "closeIdleConns", "func() bool"},
	}
)

// checkHooks looks for the hooks in GOROOT: a Go that is newer than this code may have other hooks.
func (b Build) checkHooks() error {
	wanted := append(always[:len(always):len(always)], accept4)
	switch b.GOOS {
	case "linux", "freebsd", "openbsd", "netbsd", "dragonfly":
	case "darwin":
		wanted[len(wanted)-1] = accept
	default:
		return fmt.Errorf("not supported on %s", b.GOOS)
	}
	if b.imports("net/http") {
		wanted = append(wanted, ofHTTP...)
	}
	for _, w := range wanted {
		if b.declared(w.file)[w.name] != w.kind {
			return fmt.Errorf("%s has no %s in %s, which it needs", b.GOVERSION, w.name, w.file)
		}
	}
	return nil
}

// socketHasAddress reports whether this Go's net.socket has the parameters that hook/unix_linux.go reads.
func (b Build) socketHasAddress() bool {
	const parameters = "func(ctx context.Context, net string, family, sotype, proto int, ipv6only bool, laddr, raddr sockaddr, "
	return strings.HasPrefix(b.declared("net/sock_posix.go")["socket"], parameters)
}

// A Cache has the declarations in files below GOROOT/src: to parse the files takes some milliseconds. A Cache is for one
// GOROOT, and not safe for concurrent use.
type Cache map[string]map[string]string

// declared returns the types of the variables, the functions and the methods of *Server in a file below GOROOT/src, by
// name.
func (b Build) declared(name string) map[string]string {
	if known, ok := b.Cache[name]; ok {
		return known
	}
	kinds := map[string]string{}
	b.Cache[name] = kinds
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, filepath.Join(b.GOROOT, "src", filepath.FromSlash(name)), nil, parser.SkipObjectResolution)
	if err != nil {
		return kinds
	}
	text := func(node any) string {
		var s strings.Builder
		printer.Fprint(&s, set, node)
		return s.String()
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || text(d.Recv.List[0].Type) == "*Server" {
				kinds[d.Name.Name] = text(d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && v.Type != nil {
					for _, name := range v.Names {
						kinds[name.Name] = text(v.Type)
					}
				}
			}
		}
	}
	return kinds
}
