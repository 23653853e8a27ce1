package prelink

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
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
func selfTest(ctx context.Context, t *linktool.Test) error {
	before, err := t.Compile(ctx, "src", testProgram)
	if err != nil {
		return err
	}
	after, err := t.Compile(ctx, "src", testEdit)
	if err != nil {
		return err
	}
	for path := range after {
		if before[path] == "" {
			before[path] = after[path]
		}
	}
	const id = "-buildid=a/b/c/d"
	c := &linktool.Command{Flags: []string{"-s", "-w", "-buildmode=exe", id}, Dir: t.Dir, Env: t.Env, Main: "selftest", Config: linktool.Config}
	p, err := start(t.Tool, t.Dir, c, before, map[string]bool{"selftest": true, "selftest/lib": true})
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.await(ctx); err != nil {
		return err
	}
	got, want := filepath.Join(t.Dir, "got"), filepath.Join(t.Dir, "want")
	if err := p.link(ctx, after, strings.TrimPrefix(id, "-buildid="), got); err != nil {
		return err
	}
	if err := t.LinkOrdinary(ctx, c, after, want); err != nil {
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
