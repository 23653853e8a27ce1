package delta

// randomProgram is the program of TestRandomEdits, in the order of imports. Packages whose names
// begin with cold are not edited; cold/above imports packages that are.
var randomProgram = []file{
	{"cold/below/below.go", `package below

import (
	"fmt"
	"sort"
	"strings"
)

type Shape interface {
	Area() int
	fmt.Stringer
}

type Set[T comparable] map[T]bool

//go:noinline
func (s Set[T]) Add(x T) { s[x] = true }

func Map[T, U any](from []T, f func(T) U) (to []U) {
	for _, x := range from {
		to = append(to, f(x))
	}
	return to
}

var registered = map[string]func() Shape{}

func Register(name string, f func() Shape) { registered[name] = f }

func Each(f func(Shape)) {
	var names []string
	for name := range registered {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f(registered[name]())
	}
}

type Text struct{ strings.Builder }

func (t *Text) Area() int { return t.Len() }

type unused struct{ a, b int }

func (u unused) String() string { return "unused" }

func Unused() fmt.Stringer { return unused{1, 2} }
`},
	{"low/low.go", `package low

import (
	"errors"
	"strconv"

	"cold/below"
)

const Size = 7

var ErrLow = errors.New("low")

type Point struct{ X, Y int }

func (p Point) Area() int { return p.X * p.Y }

func (p Point) String() string { return "(" + strconv.Itoa(p.X) + "," + strconv.Itoa(p.Y) + ")" }

func init() { below.Register("point", func() below.Shape { return Point{3, 4} }) }

//go:noinline
func Kept(n int) (int, error) {
	if n < 0 {
		return 0, ErrLow
	}
	return hidden(n) + Size, nil
}

func hidden(n int) int { return n + 1 }

func Inlined(n int) int { return n * Size }

type Stack[T any] struct{ items []T }

func (s *Stack[T]) Push(x T) { s.items = append(s.items, x) }

func (s *Stack[T]) Pop() (x T, err error) {
	if len(s.items) == 0 {
		return x, ErrLow
	}
	x = s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return x, nil
}
`},
	{"cold/above/above.go", `package above

import (
	"fmt"
	"os"

	"cold/below"
	"low"
)

var Points = []low.Point{{1, 2}}

type named struct {
	low.Point
	name string
}

func (n *named) Rename(name string) { n.name = name }

func Report() {
	below.Each(func(s below.Shape) { fmt.Fprintln(os.Stderr, s.Area(), s) })
	n := &named{Points[0], "x"}
	n.Rename("y")
	var x any = n
	_, ok := x.(interface{ Rename(string) })
	k, err := low.Kept(len(n.name))
	var stack low.Stack[named]
	stack.Push(*n)
	top, _ := stack.Pop()
	_, none := stack.Pop()
	fmt.Fprintln(os.Stderr, x, ok, k, err, low.Inlined(2), top.name, none, none == low.ErrLow)
}
`},
	{"middle/middle.go", `package middle

import (
	"fmt"
	"strings"

	"cold/below"
	"low"
)

type Greeter interface{ Greet(name string) string }

type polite struct{ words []string }

func (p *polite) Greet(name string) string { return strings.Join(append(p.words, name), " ") }

func New(words ...string) Greeter { return &polite{words} }

func Text() string {
	set := below.Set[low.Point]{}
	set.Add(low.Point{1, 1})
	k, _ := low.Kept(len(set))
	return fmt.Sprint(k, " ", set, below.Map([]int{1, 2}, func(n int) low.Point { return low.Point{n, n} }))
}

func Fail(n int) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("failed: %v", e)
		}
	}()
	return check(n)
}

//go:noinline
func check(n int) error {
	values := []int{1, 2, 3}
	println(values[n])
	return nil
}
`},
	// All packages that snippets import, except two.
	{"imports.go", `package main

import (
	_ "bufio"
	_ "bytes"
	_ "container/heap"
	_ "context"
	_ "encoding/json"
	_ "hash/crc32"
	_ "iter"
	_ "maps"
	_ "math/big"
	_ "math/rand/v2"
	_ "net/url"
	_ "runtime/debug"
	_ "runtime/pprof"
	_ "slices"
	_ "sync/atomic"
	_ "text/tabwriter"
	_ "text/template"
	_ "time"
	_ "weak"
)
`},
	{"main.go", `package main

import (
	"fmt"
	"os"

	"cold/above"
	"cold/below"
	"low"
	"middle"
)

type circle struct{ r int }

func (c circle) Area() int { return 3 * c.r * c.r }

func (c circle) String() string { return "circle" }

func main() {
	below.Register("circle", func() below.Shape { return circle{2} })
	fmt.Fprintln(os.Stderr, middle.New("hello", "dear").Greet("world"), middle.Text())
	above.Report()
	fmt.Fprintln(os.Stderr, middle.Fail(1), middle.Fail(5), work(low.Size))
	last()
}

func work(n int) (sum int) {
	for i := range n {
		sum += low.Inlined(i)
	}
	return sum
}

//go:noinline
func last() {
	var stack low.Stack[circle]
	stack.Push(circle{1})
	c, err := stack.Pop()
	println(c.Area(), err == nil)
	if low.Inlined(1) == 7 {
		panic(fmt.Sprint("the end of ", c))
	}
}
`},
}
