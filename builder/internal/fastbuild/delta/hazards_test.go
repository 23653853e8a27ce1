package delta

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// hazards is a program whose packages depend on each other in ways that a delta
// must not break. Packages cold and early never change.
const hazards = `
-- go.mod --
module example.com/m

go 1.24
-- main.go --
package main

import (
	"fmt"
	_ "reflect"
	_ "runtime"
	"text/template"

	"example.com/m/cold"
	_ "example.com/m/early"
	_ "example.com/m/first"
	"example.com/m/lib"
	"example.com/m/side"
)

var _ = template.New

func init() { fmt.Println("main starts") }

func main() {
	fmt.Println(side.Name, lib.Text(), cold.Add(1), cold.Kind(cold.Wrap()), cold.Pulled(), cold.Shouted())
}
-- lib/lib.go --
package lib

import "fmt"

func init() { fmt.Println("lib starts") }

type Thing struct{ text string }

func (t *Thing) Shout() string { return "loud" }

func (t *Thing) Rest() string { return "quiet" }

//go:noinline
func Text() string { return "lib" }

//go:noinline
//go:nosplit
func Small(n int) int { return n + 1 }

//go:noinline
func New() *Thing { return &Thing{"new"} }

//go:noinline
func pulled() string { return "pulled" }
-- side/side.go --
package side

import "fmt"

var Name = "side"

func init() { fmt.Println("side starts") }
-- first/first.go --
package first

import "fmt"

func init() { fmt.Println("first starts") }
-- early/early.go --
package early

import "fmt"

var Name = "early"

func init() { fmt.Println("early starts") }
-- cold/empty.s --
-- cold/cold.go --
package cold

import (
	"example.com/m/lib"
	_ "unsafe"
)

//go:linkname Pulled example.com/m/lib.pulled
func Pulled() string

//go:noinline
//go:nosplit
func Add(n int) int { return lib.Small(n) + 1 }

// Wrap is the only function that uses a Thing as an interface.
//
//go:noinline
func Wrap() any { return lib.New() }

type Shouter interface{ Shout() string }

//go:noinline
func Shout(s Shouter) string { return s.Shout() }

//go:noinline
func Shouted() string { return Shout(lib.New()) }

type kinded interface{ Kind() string }

type one struct{}

func (one) Kind() string { return "one" }

func (*one) Other() string { return "other" }

//go:noinline
func Kind(x any) string {
	if k, ok := x.(kinded); ok {
		return k.Kind()
	}
	return "none"
}

var Ones = []*one{{}}

type Pair[K, V any] struct {
	Key   K
	Value V
}

func (p *Pair[K, V]) Swap() *Pair[V, K] { return &Pair[V, K]{p.Value, p.Key} }

var counter int

// Count is not called by the base.
//
//go:noinline
func Count() int { counter++; return counter }
`

const atHazard = "func main() {\n\t"

// edits are edits of the program, each of the first version. The result of a
// delta link is compared with that of the ordinary linker.
var edits = []struct {
	name, file, old, new string
	reason               string // for giving up; "" if the delta can be linked
}{
	{name: "an import less, whose init must not run", file: "main.go",
		old: "\t_ \"example.com/m/early\"\n", new: "\t// nothing\n"},
	{name: "an import more changes the order of initialization", file: "first/first.go",
		old: "import \"fmt\"", new: "import \"fmt\"\nimport _ \"example.com/m/side\""},
	{name: "an init less", file: "side/side.go", old: "func init() { fmt.Println(\"side starts\") }", new: "var _ = fmt.Sprint"},
	{name: "an init more", file: "side/side.go", old: "var Name = \"side\"", new: "var Name = fmt.Sprint(\"new\")\n\nfunc init() { fmt.Println(Name) }"},
	{name: "a method that only a cold package's interface leads to", file: "main.go",
		old: atHazard, new: atHazard + "fmt.Println(cold.Wrap().(interface{ Shout() string }).Shout())\n\t"},
	{name: "a method of a cold type that is new to interfaces", file: "main.go",
		old: atHazard, new: atHazard + "fmt.Println(any(cold.Ones[0]).(interface{ Other() string }).Other(), cold.Kind(cold.Ones[0]))\n\t"},
	{name: "an itab of a cold package with a type of a hot one", file: "main.go",
		old: atHazard, new: atHazard + "var s cold.Shouter = lib.New()\n\tfmt.Println(s.Shout(), cold.Shout(s), s == cold.Shouter(lib.New()))\n\t"},
	{name: "a cold generic type", file: "main.go",
		old: atHazard, new: atHazard + "fmt.Println((&cold.Pair[string, int]{\"a\", 1}).Swap(), any(&cold.Pair[int, error]{}))\n\t"},
	{name: "a cold variable and function that the base lacks", file: "main.go",
		old: atHazard, new: atHazard + "fmt.Println(cold.Count(), cold.Count())\n\t"},
	{name: "more stack in a function without a check", file: "lib/lib.go",
		old: "func Small(n int) int { return n + 1 }", new: "func Small(n int) int { var b [64]byte; for i := range b { b[i] = byte(n) }; return int(b[n&63]) + 1 }",
		reason: "example.com/m/lib.Small needs more stack"},
	{name: "a body that a cold package calls", file: "lib/lib.go",
		old: "func Small(n int) int { return n + 1 }", new: "func Small(n int) int { return n + 2 }"},
	{name: "an export that a cold package relies on", file: "lib/lib.go",
		old: "func init() {", new: "var More int; func init() {", reason: "the exports of example.com/m/lib have changed"},
	{name: "a function less that a cold package pulls by linkname", file: "lib/lib.go",
		old: "func pulled() string { return \"pulled\" }", new: "func other() string { return \"pulled\" }",
		reason: "example.com/m/lib.pulled"},
	{name: "a function that a cold package pulls by linkname", file: "lib/lib.go",
		old: "return \"pulled\"", new: "return \"again\""},
	{name: "memory profiles", file: "main.go", old: atHazard, new: atHazard + "runtime.MemProfile(nil, true)\n\t",
		reason: "memory profiles are new"},
	{name: "methods by any name", file: "main.go", reason: "methods are called by reflection", old: atHazard, new: atHazard + "fmt.Println(reflect.TypeOf(cold.Ones[0]).Method(0).Name)\n\t"},
	{name: "a package variable of a cold package by linkname", file: "main.go",
		old: atHazard, new: "//go:linkname hidden example.com/m/cold.counter\nvar hidden int\n\n" + atHazard + "cold.Count()\n\tfmt.Println(hidden)\n\t"},
	{name: "functions for a cold package by linkname", file: "main.go",
		old: atHazard, new: "//go:linkname pushed example.com/m/cold.Add\nfunc pushed(n int) int { return 7 }\n\n" + atHazard,
		reason: "example.com/m/cold.Add is defined by a cold package, too"},
	{name: "variables without a size", file: "main.go",
		old: atHazard, new: "var a, b struct{}\n\n" + atHazard + "x, y := &a, &b\n\tfmt.Println(x == y, any(x) == any(y), *x == *y)\n\t"},
	{name: "variables of all kinds", file: "main.go",
		old: atHazard, new: "var (\n\tbig [1 << 20]byte\n\tpointers [1000]*string\n\tnested struct{ a [3]struct{ m map[string]*int; f func() any; i interface{ Shout() string } } }\n\tthings = [...]*lib.Thing{lib.New(), 5: lib.New()}\n\ttext = \"text\"\n\ttextAt = &text\n)\n\n" + atHazard +
			"for i := range pointers {\n\t\ts := fmt.Sprint(i)\n\t\tpointers[i] = &s\n\t}\n\tnested.a[1].m = map[string]*int{\"a\": new(int)}\n\tnested.a[2].i = things[5]\n\tfor range 5 {\n\t\truntime.GC()\n\t\tbig[len(nested.a)]++\n\t}\n\tfmt.Println(*pointers[999], len(nested.a[1].m), nested.a[2].i.Shout(), *textAt, big[3], *nested.a[1].m[\"a\"])\n\t"},
	{name: "types that cold packages make by reflection", file: "main.go",
		old: atHazard, new: "type own struct{ n int }\n\nfunc (own) Kind() string { return \"own\" }\n\n" + atHazard +
			"t := reflect.TypeOf(own{})\n\tm := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(\"\"), t))\n\tm.SetMapIndex(reflect.ValueOf(\"k\"), reflect.ValueOf(own{1}))\n\t_, ok := m.Interface().(map[string]own)\n\t_, same := reflect.MakeSlice(reflect.SliceOf(t), 1, 1).Interface().([]own)\n\tf := reflect.FuncOf([]reflect.Type{t}, []reflect.Type{reflect.PointerTo(t)}, false)\n\tfmt.Println(ok, same, f == reflect.TypeOf(func(own) *own { return nil }), cold.Kind(own{}), cold.Kind(&own{}), reflect.ArrayOf(2, t))\n\t"},
	{name: "a panic through cold functions", file: "main.go",
		old: atHazard, new: atHazard + "defer func() {\n\t\tfmt.Println(recover())\n\t\tpc := make([]uintptr, 30)\n\t\tframes := runtime.CallersFrames(pc[:runtime.Callers(0, pc)])\n\t\tfor more := true; more; {\n\t\t\tvar f runtime.Frame\n\t\t\tf, more = frames.Next()\n\t\t\tfmt.Println(f.Function, f.Line)\n\t\t}\n\t}()\n\tsort(nil)\n}\n\nfunc sort(x *cold.Pair[int, int]) {\n\tx.Swap()\n\t"},
}

// makeBase links a base with these hot packages.
func (p *project) makeBase(paths ...string) {
	p.Helper()
	hot := map[string]bool{}
	for _, path := range paths {
		hot[path] = true
	}
	p.base = &base{tool: p.tool, dir: filepath.Join(p.Dir, "base"), command: p.command, archives: p.compile(), hot: hot}
	p.cold = maps.Clone(p.base.archives)
	maps.DeleteFunc(p.cold, func(path string, _ string) bool { return hot[path] })
	if err := p.base.make(p.Context()); err != nil {
		p.Fatal(err)
	}
}

func TestHazards(t *testing.T) {
	p := newProject(t, hazards)
	p.edit("main.go", "_ \"reflect\"", "\"reflect\"")
	p.edit("main.go", "_ \"runtime\"", "\"runtime\"\n\t_ \"unsafe\"")
	p.edit("main.go", "func init()", "var _ = reflect.TypeOf\nvar _ = runtime.GC\n\nfunc init()")
	buildtest.Write(t, filepath.Join(p.dir, "empty.s"), "")
	p.makeBase("example.com/m", "example.com/m/lib", "example.com/m/side", "example.com/m/first")
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			q := *p
			q.T = t
			q.edit(e.file, e.old, e.new)
			defer q.edit(e.file, e.new, e.old)
			if e.reason != "" {
				q.mustGiveUp(e.reason)
				return
			}
			q.mustPrint(q.ordinary())
		})
	}
}

// ordinary returns what the program prints that the ordinary linker links.
func (p *project) ordinary() (output string) {
	p.Helper()
	program, err := p.linkOrdinary()
	if err != nil {
		p.Fatal(err)
	}
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		p.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func (p *project) linkOrdinary() (program string, err error) {
	p.Helper()
	test := linktool.Test{Options: p.Options}
	test.Dir = p.TempDir()
	program = filepath.Join(test.Dir, "program")
	return program, test.LinkOrdinary(p.Context(), p.command, p.compile(), program)
}

// The wrapper of a go statement in a package that is not edited names an edited
// function, and only its funcdata does.
func TestWrapper(t *testing.T) {
	buildtest.Long(t)
	p := newProject(t, hazards)
	p.edit("cold/cold.go", "type kinded", "func Start() {\n\tdone := make(chan bool)\n\tgo lib.New().Run(done)\n\t<-done\n}\n\ntype kinded")
	p.edit("lib/lib.go", "type Thing", "//go:noinline\nfunc (t *Thing) Run(done chan bool) { done <- true }\n\ntype Thing")
	p.edit("main.go", atHazard, atHazard+"cold.Start()\n\t")
	p.makeBase("example.com/m", "example.com/m/lib")
	p.edit("lib/lib.go", "{ done <- true }", "{ done <- len(t.text) > 0 }")
	p.mustPrint(p.ordinary())
	if err := p.Verify(t.Context(), p.command, p.compile()); err != nil {
		t.Error(err)
	}
}

// What the ordinary linker refuses, a delta link refuses.
func TestRefused(t *testing.T) {
	buildtest.Long(t)
	p := newProject(t, hazards)
	buildtest.Write(t, filepath.Join(p.dir, "empty.s"), "")
	p.warm()
	for _, function := range []string{"runtime.gopark2", "runtime.newproc1"} {
		with := "//go:linkname blocked " + function + "\nfunc blocked()\n\n" + atHazard + "blocked()\n"
		p.edit("main.go", atHazard, with)
		p.edit("main.go", "_ \"runtime\"", "_ \"unsafe\"")
		_, refused := p.linkOrdinary()
		_, err := p.link()
		if refused == nil || !errors.Is(err, errGaveUp) {
			t.Errorf("%s: %v, the ordinary linker: %v", function, err, refused)
		}
		p.edit("main.go", with, atHazard)
		p.edit("main.go", "_ \"unsafe\"", "_ \"runtime\"")
	}
}
