package prelink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// testProgram is the program of the self-test before the edit.
var testProgram = map[string]string{
	"go.mod": "module selftest\n\ngo 1.24\n",
	"main.go": `package main

import (
	"fmt"
	"selftest/lib"
)

func main() { fmt.Println(lib.Name, lib.Sum([]int{1, 2})) }
`,
	"lib/lib.go": `package lib

import (
	"fmt"
	"reflect"
)

var Name = "first"

func Show(x any) { fmt.Println(x, reflect.TypeOf(x)) }

func Sum[T int | float64](values []T) (sum T) {
	for _, v := range values {
		sum += v
	}
	return sum
}
`,
}

// testEdit is the edit: it needs other functions, types, methods and symbols
// that other packages define, too.
var testEdit = map[string]string{
	"main.go": `package main

import (
	"fmt"
	"selftest/lib"
)

type shape interface{ Area() float64 }

type square struct{ side float64 }

func (s *square) Area() float64 { return s.side * s.side }

var shapes = map[string]shape{"square": &square{2}}

func init() { lib.Name += fmt.Sprintf("%T %v", shapes["square"], errFirst) }

var errFirst = fmt.Errorf("first: %w", lib.Err)

func main() { fmt.Println(lib.Name, lib.Sum([]float64{1, 2}), lib.Methods(&square{})) }
`,
	"lib/lib.go": `package lib

import (
	"fmt"
	"reflect"
)

var (
	Name = "second"
	Err  = fmt.Errorf("%s", Name)
)

func Sum[T int | float64](values []T) (sum T) {
	defer func() { fmt.Sprint(values) }()
	for _, v := range values {
		sum += v * v
	}
	return sum
}

func Methods(x any) int { return reflect.TypeOf(x).NumMethod() }
`,
}

// selfTest links a program with a waiting linker and with the ordinary one. It
// returns an error if the programs differ.
func (l *Linker) selfTest(ctx context.Context, dir, tool string) error {
	src := filepath.Join(dir, "src")
	before, err := l.compile(ctx, src, testProgram)
	if err != nil {
		return err
	}
	after, err := l.compile(ctx, src, testEdit)
	if err != nil {
		return err
	}
	for path := range after {
		if before[path] == "" {
			before[path] = after[path]
		}
	}
	const id = "-buildid=a/b/c/d"
	c := &Command{Flags: []string{"-s", "-w", "-buildmode=exe", id}, Dir: dir, Env: l.Env, Main: "selftest", Config: testConfig}
	p, err := start(tool, dir, c, before, map[string]bool{"selftest": true, "selftest/lib": true})
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.await(ctx); err != nil {
		return err
	}
	got, want := filepath.Join(dir, "got"), filepath.Join(dir, "want")
	if err := p.link(ctx, after, strings.TrimPrefix(id, "-buildid="), got); err != nil {
		return err
	}
	ordinary := filepath.Join(l.GOROOT, "pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH, "link")
	if p, err = start(ordinary, dir, c, after, nil); err != nil {
		return err
	}
	defer p.close()
	select {
	case <-p.exited:
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.err != nil {
		return p.err
	}
	if err := os.Rename(p.file("out"), want); err != nil {
		return err
	}
	return compareFiles(got, want)
}

func compareFiles(got, want string) error {
	x, err := os.ReadFile(got)
	if err != nil {
		return err
	}
	y, err := os.ReadFile(want)
	if err == nil && !bytes.Equal(x, y) {
		err = errors.New("the waiting linker links another program than the ordinary one")
	}
	return err
}

// compile compiles a program in dir and returns its archives.
func (l *Linker) compile(ctx context.Context, dir string, files map[string]string) (archives map[string]string, err error) {
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	output, err := l.run(ctx, dir, "list", "-export", "-deps", "-f", "{{with .Export}}{{$.ImportPath}} {{.}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	archives = map[string]string{}
	for line := range strings.Lines(output) {
		if path, file, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok {
			archives[path] = file
		}
	}
	return archives, nil
}

func testConfig(archives map[string]string) (string, error) {
	var config strings.Builder
	for path, file := range archives {
		fmt.Fprintf(&config, "packagefile %s=%s\n", path, file)
	}
	return config.String(), nil
}
