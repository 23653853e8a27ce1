package prelink

import "fmt"

// program is the program that the tests edit. Package cold never changes.
const program = `
-- go.mod --
module example.com/m

go 1.24
-- main.go --
package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"sort"
	_ "unsafe"

	"example.com/m/cold"
	"example.com/m/gen"
	"example.com/m/lib"
	"example.com/m/mid"
)

var _ = sort.Ints
var _ bytes.Buffer
var _ reflect.Type

func main() {
	fmt.Fprintln(os.Stdout, lib.Hello("world"), mid.Text(), gen.Map([]int{1}, func(n int) string { return fmt.Sprint(n) }), cold.Add(1, 2), cold.Strings())
}
-- empty.s --
-- lib/lib.go --
package lib

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed text.txt
var text string

type Greeter interface{ Greet(name string) string }

func Hello(name string) string { return strings.ToUpper(name) + text + fmt.Sprint(len(name)) }
-- lib/text.txt --
first text
-- mid/mid.go --
package mid

import "example.com/m/lib"

func Text() string { return lib.Hello("mid") }
-- gen/gen.go --
package gen

import "slices"

func Map[T, U any](from []T, f func(T) U) (to []U) {
	for _, x := range slices.Clone(from) {
		to = append(to, f(x))
	}
	return to
}
-- cold/cold.go --
package cold

import (
	"bytes"
	"fmt"
	"io"
)

func Add(a, b int) int

func Strings() any {
	s := Set[string]{}
	s.Add("x")
	fmt.Fprint(new(bytes.Buffer), s, pair{"a", nil})
	var x any = struct {
		a, b string
		*bytes.Buffer
	}{"a", "b", nil}
	return x
}

type pair struct {
	name string
	fmt.Stringer
}

func init() { fmt.Sprint(map[pair]int{{"a", nil}: 1}) }

func Copy(w io.Writer, x io.WriterTo) { x.WriteTo(w) }

type Set[T comparable] map[T]bool

//go:noinline
func (s Set[T]) Add(x T) { s[x] = true }

var Table = [5]int{1, 2, 3}
-- cold/add_amd64.s --
#include "textflag.h"

TEXT ·Add(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	MOVQ AX, ret+16(FP)
	RET
`

// edit changes texts of the program: pairs of an old and a new one, by file.
type edit struct {
	name  string
	files map[string][]string
}

const (
	atMain = "func main() {\n"
	atLib  = "type Greeter"
	atGen  = "func Map"
)

var edits = []edit{
	{"a body", map[string][]string{"main.go": {atMain, atMain + "\tprintln(1, \"text\")\n"}}},
	{"a function", map[string][]string{
		"lib/lib.go": {atLib, "func More(n int) (s string) {\n\tfor i := range n {\n\t\ts += fmt.Sprint(i)\n\t}\n\treturn s\n}\n\n" + atLib},
		"main.go":    {atMain, atMain + "\tprintln(lib.More(3))\n"},
	}},
	{"a type with methods", map[string][]string{
		"lib/lib.go": {atLib, "type loud struct{ n int }\n\nfunc (l *loud) Greet(s string) string { return strings.Repeat(s, l.n) }\n\nfunc (l loud) String() string { return \"loud\" }\n\nvar G Greeter = &loud{2}\n\n" + atLib},
		"mid/mid.go": {`lib.Hello("mid")`, `lib.G.Greet("mid")`},
	}},
	{"a generic instance", map[string][]string{"main.go": {atMain, atMain + "\ts := cold.Set[string]{}\n\ts.Add(\"x\")\n\tfmt.Println(gen.Map([]string{\"a\"}, func(s string) int { return len(s) }), s)\n"}}},
	{"a generic body", map[string][]string{"gen/gen.go": {"append(to, f(x))", "append(to, f(x), f(x))"}}},
	{"a generic type", map[string][]string{
		"gen/gen.go": {atGen, "type List[T any] struct {\n\tnext *List[T]\n\tx    T\n}\n\nfunc (l *List[T]) Len() int {\n\tif l == nil {\n\t\treturn 0\n\t}\n\treturn 1 + l.next.Len()\n}\n\n" + atGen},
		"main.go":    {atMain, atMain + "\tvar l fmt.Stringer\n\t_, ok := any(&gen.List[error]{}).(interface{ Len() int })\n\tfmt.Println(l, ok)\n"},
	}},
	{"reflection by any name", map[string][]string{"main.go": {atMain, atMain + "\tfmt.Println(reflect.ValueOf(&bytes.Buffer{}).MethodByName(os.Args[0]))\n"}}},
	{"reflection by a constant name", map[string][]string{"main.go": {atMain, atMain + "\tfmt.Println(reflect.ValueOf(&bytes.Buffer{}).MethodByName(\"Len\"))\n"}}},
	{"an embedded file", map[string][]string{"lib/text.txt": {"first", "a longer second"}}},
	{"another embedded variable", map[string][]string{"lib/lib.go": {"var text string", "var text string\n\n//go:embed text.txt\nvar Again []byte"}}},
	{"the order of initialization", map[string][]string{
		"lib/lib.go": {atLib, "var First = after()\n\nvar table = map[string]int{\"a\": len(text)}\n\nfunc after() int { return table[\"a\"] }\n\nfunc init() { fmt.Println(First) }\n\n" + atLib},
		"gen/gen.go": {atGen, "func init() { println(len(slices.Repeat([]int{1}, 2))) }\n\n" + atGen},
	}},
	{"a large map", map[string][]string{"main.go": {atMain, "var large = map[int]func() string{" + bigMap() + "}\n\n" + atMain}}},
	{"linkname", map[string][]string{"main.go": {atMain, "//go:linkname nanotime runtime.nanotime\nfunc nanotime() int64\n\n" + atMain + "\tprintln(nanotime() > 0)\n"}}},
	{"a changed signature", map[string][]string{
		"lib/lib.go": {"func Hello(name string) string {", "func Hello(name string, more ...any) string {\n\tname += fmt.Sprint(more...)\n\t"},
	}},
	{"a reference less", map[string][]string{"main.go": {"fmt.Fprintln(os.Stdout, ", "println(os.Stdout, "}}},
	{"a type of another package in an interface", map[string][]string{"main.go": {atMain, atMain + "\tcold.Copy(os.Stdout, bytes.NewBufferString(\"x\"))\n\tsort.Sort(sort.Reverse(sort.IntSlice{1}))\n"}}},
	{"data that other packages have, too", map[string][]string{"main.go": {atMain, "var same = [100]int{1, 2, 3}\n\nvar zero [4096]byte\n\n" + atMain + "\tprintln(&same[len(os.Args)], \"runtime error\", \"EOF\", &zero)\n\tif len(os.Args) > 9 {\n\t\tfmt.Println(struct{ A, B int }{}, [3]string{\"a\"}, map[string]bool{}, func(int) error { return nil }, same)\n\t}\n"}}},
	{"functions and types that other packages have, too", map[string][]string{
		"main.go":    {atMain, atMain + "\tset := cold.Set[string]{}\n\tset.Add(\"y\")\n\tfmt.Fprint(new(bytes.Buffer), set)\n\tpointer := new(struct {\n\t\ta, b string\n\t\t*bytes.Buffer\n\t})\n\tfmt.Println(pointer == nil, any(*pointer) == cold.Strings(), len(set))\n"},
		"gen/gen.go": {atGen, "type pair struct {\n\tname string\n\terror\n}\n\nvar Pairs = map[pair]func(any, []string) bool{{\"a\", nil}: func(x any, s []string) bool { return x == any(struct{ a, b string }{}) || slices.Contains(s, \"\") }}\n\n" + atGen}}},
	{"goroutines, closures and panics", map[string][]string{"main.go": {atMain, atMain + "\tdone := make(chan func() int)\n\tgo func() {\n\t\tdefer func() { recover(); done <- func() int { return len(os.Args) } }()\n\t\tpanic(fmt.Errorf(\"%w\", os.ErrExist))\n\t}()\n\tprintln((<-done)())\n"}}},
	{"types inside of functions", map[string][]string{
		"mid/mid.go": {"string { return", "string {\n\ttype local struct{ error }\n\tvar x any = local{}\n\tif _, ok := x.(error); ok {\n\t\tprintln(\"error\")\n\t}\n\treturn"},
		"main.go":    {atMain, atMain + "\ttype local struct{ a, b, c any }\n\tfmt.Println(local{1, \"2\", lib.Hello})\n"},
	}},
}

func bigMap() (entries string) {
	for i := range 40 {
		entries += fmt.Sprintf("%d: func() string { return lib.Hello(\"x\") }, ", i)
	}
	return entries
}
