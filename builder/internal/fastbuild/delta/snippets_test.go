package delta

import "strings"

// snippet is an edit that a random test makes: statements in a function, and declarations. An N
// in a name is replaced by a number, so that each snippet is new; @NAME is an imported package.
type snippet struct {
	name    string
	imports string // import paths, with spaces between them
	body    string // statements at the start of a function: they run once
	decls   string
}

// snippets use all that has metadata for the runtime. Each prints what it has done.
var snippets = []snippet{
	{name: "a line", body: `println("line", N)`},
	{name: "a constant string", body: `s := "text of N"; println(s, len(s)+#N)`},
	{name: "a function", body: `println(funcN(#N, "a"))`, decls: `
//go:noinline
func funcN(n int, s string) string { for i := 0; i < n%7; i++ { s += s[:1] }; return s }`},
	{name: "an inlined function", body: `println(inlinedN(#N))`, decls: `func inlinedN(n int) int { return deeperN(n) + 1 }
func deeperN(n int) int { return n * 3 }`},
	{name: "stack growth", body: `var bufN [64]int; println(growN(4000, bufN), growPointersN(2000, new(int)))`, decls: `
//go:noinline
func growN(n int, buf [64]int) int { if n == 0 { return buf[3] }; buf[n%64]++; return growN(n-1, buf) + buf[n%64] }

//go:noinline
func growPointersN(n int, p *int) int { var local int; q := &local; if n == 0 { return *p }; *q = n; return growPointersN(n-1, q) + *q + *p - *p }`},
	{name: "recovered panics", body: `println(recoveredN(func() { panic("N") }), recoveredN(func() { var m map[string]int; m["a"] = 1 }), recoveredN(func() { var p *[4]int; p[#N%4]++ }), recoveredN(func() { a := []int{1}; println(a[#N+1]) }))`, decls: `
//go:noinline
func recoveredN(f func()) (text string) {
	defer func() {
		switch e := recover().(type) {
		case error: text = e.Error()
		case string: text = e
		}
	}()
	f()
	return "none"
}`},
	{name: "nested panics", body: `nestedN()`, decls: `
func nestedN() {
	defer func() { e := recover(); println("recovered", e.(string)) }()
	defer func() { defer func() { println("inner", recover().(string)) }(); panic("secondN") }()
	for i := 0; i < 3; i++ { defer func() { println("deferred", i) }() }
	panic("firstN")
}`},
	{name: "Goexit", imports: "runtime", body: `doneN := make(chan bool); go func() { defer close(doneN); defer println("leavingN"); @runtime.Goexit() }(); <-doneN`},
	{name: "a type in an interface", body: `var x interface{ Area() int } = &squareN{#N}; println(x.Area()); if _, ok := any(x).(interface{ Other() }); !ok { println("no Other") }`, decls: `
type squareN struct{ side int }
func (s *squareN) Area() int { return s.side * s.side }`},
	{name: "a type switch", body: `for _, x := range []any{1, "a", typeN(3), &[]int{1}, errorN{}, struct{ a, b int }{1, 2}, map[string]typeN{}, [3]typeN{}} { println(switchN(x)) }`, decls: `
type typeN int
type errorN struct{}
func (errorN) Error() string { return "an errorN" }
func (t typeN) String() string { return "typeN" }
func switchN(x any) string {
	switch x := x.(type) {
	case int: return "int"
	case error: return x.Error()
	case interface{ String() string }: return x.String()
	case *[]int: return "pointer"
	case struct{ a, b int }: return "struct"
	case map[string]typeN: return "map"
	case [3]typeN: return "array"
	}
	return "other"
}`},
	{name: "fmt", imports: "fmt os", body: `@fmt.Fprintf(@os.Stderr, "%v %+v %T %#v %v\n", valueN{1, "a", nil}, valueN{}, &valueN{}, valueN{2, "b", []error{@fmt.Errorf("x%d", #N)}}, stringN(#N))`, decls: `
type valueN struct { A int; b string; C []error }
type stringN int
func (s stringN) String() string { return @fmt.Sprintf("<%d>", int(s)) }
func (v *valueN) Format2() {}`},
	{name: "generics", imports: "strings", body: `println(sumN([]int{1, #N}), sumN([]localN{2, 3}), @strings.Join(mapN([]int{1, 2}, func(n int) string { return "x" }), ","), newListN(1, 2, 3).len(), newListN("a").len(), keyN(map[localN]struct{}{4: {}}))`, decls: `
type localN int
type numberN interface{ ~int | ~float64 }
func sumN[T numberN](values []T) (sum T) { for _, v := range values { sum += v }; return sum }
func mapN[T, U any](from []T, f func(T) U) (to []U) { for _, x := range from { to = append(to, f(x)) }; return to }
func keyN[K comparable, V any](m map[K]V) K { for k := range m { return k }; panic("empty") }
type listN[T any] struct { next *listN[T]; value T }
func newListN[T any](values ...T) (l *listN[T]) { for _, v := range values { l = &listN[T]{l, v} }; return l }
func (l *listN[T]) len() int { if l == nil { return 0 }; return 1 + l.next.len() }`},
	{name: "generic interfaces", imports: "fmt os slices", body: `var c containerN[itemN] = &boxN[itemN]{}; c.Put(itemN{"b"}); c.Put(itemN{"a"}); @fmt.Fprintf(@os.Stderr, "%v %T\n", c.All(), c)`, decls: `
type itemN struct{ name string }
type containerN[T any] interface { Put(T); All() []T }
type boxN[T interface{ Less(T) bool }] struct{ items []T }
func (i itemN) Less(o itemN) bool { return i.name < o.name }
func (b *boxN[T]) Put(x T) { b.items = append(b.items, x) }
func (b *boxN[T]) All() []T { @slices.SortFunc(b.items, func(x, y T) int { if x.Less(y) { return -1 }; return 1 }); return b.items }`},
	{name: "reflection", imports: "reflect fmt os", body: `t := @reflect.TypeOf(&reflectedN{}); for i := 0; i < t.NumMethod(); i++ { @fmt.Fprintln(@os.Stderr, t.Method(i).Name, t.Method(i).Type) }; @fmt.Fprintln(@os.Stderr, t.Elem().Field(0).Tag, t.String(), @reflect.ValueOf(reflectedN{#N}).Method(0).Call(nil)[0])`, decls: "type reflectedN struct{ A int `tag:\"N\"` }\n" + `
func (r reflectedN) MethodN() int { return r.A + 1 }
func (r *reflectedN) SecondN(s string, x ...any) error { return nil }`},
	{name: "types made by reflection", imports: "reflect", body: `println(@reflect.MapOf(@reflect.TypeOf(madeN(0)), @reflect.TypeOf("")) == @reflect.TypeOf(map[madeN]string{}), @reflect.SliceOf(@reflect.TypeOf(madeN(0))) == @reflect.TypeOf([]madeN{}), @reflect.PointerTo(@reflect.TypeOf(madeN(0))) == @reflect.TypeOf(new(madeN)), @reflect.FuncOf([]@reflect.Type{@reflect.TypeOf(madeN(0))}, nil, false) == @reflect.TypeOf(func(madeN) {}), @reflect.ChanOf(@reflect.BothDir, @reflect.TypeOf(madeN(0))) == @reflect.TypeOf(make(chan madeN)), @reflect.ArrayOf(5, @reflect.TypeOf(madeN(0))) == @reflect.TypeOf([5]madeN{}), @reflect.SliceOf(@reflect.TypeOf(1)) == @reflect.TypeOf([]int{}))`, decls: `type madeN int
func (madeN) M() {}`},
	{name: "methods by name", imports: "reflect os", body: `name := "CalledN"; if len(@os.Args) > 100 { name = @os.Args[1] }; println(@reflect.ValueOf(namedN{}).MethodByName(name).Call(nil)[0].String())`, decls: `type namedN struct{}
func (namedN) CalledN() string { return "called by name" }`},
	{name: "a template", imports: "text/template os", body: `if err := @template.Must(@template.New("").Parse("{{.Name}} {{.Method}} {{range .List}}{{.}},{{end}}\n")).Execute(@os.Stderr, templateN{Name: "N", List: []int{1, 2}}); err != nil { println(err.Error()) }`, decls: `type templateN struct { Name string; List []int }
func (templateN) Method() string { return "a method" }`},
	{name: "JSON", imports: "encoding/json", body: `text, err := @json.Marshal(map[string]any{"a": jsonN{1, []timeN{1}, map[timeN]string{3: "x"}}}); println(string(text), err == nil); var back jsonN; println(@json.Unmarshal([]byte("{\"Number\": 7}"), &back) == nil, back.N)`, decls: "type jsonN struct { N int `json:\"Number\"`; T []timeN; M map[timeN]string }\n" + `
type timeN int
func (t timeN) MarshalText() ([]byte, error) { return []byte("time"), nil }`},
	{name: "a variable", body: `variableN += #N; println(variableN, pointerN == nil, *pointerN)`, decls: `var variableN = #N * 2
var pointerN = &variableN`},
	{name: "an init function", body: `println(orderN)`, decls: `var orderN = firstN + "b"
var firstN = func() string { println("initializing N"); return "a" }()
func init() { orderN += "c"; println("init N") }`},
	{name: "a large map", body: `println(len(tableN), tableN["k7"], len(funcsN), funcsN[3]())`, decls: `var tableN = map[string]int{"k0": 0, "k1": 1, "k2": 2, "k3": 3, "k4": 4, "k5": 5, "k6": 6, "k7": #N, "k8": 8, "k9": 9, "k10": 10, "k11": 11, "k12": 12, "k13": 13, "k14": 14, "k15": 15, "k16": 16, "k17": 17, "k18": 18, "k19": 19, "k20": 20, "k21": 21, "k22": 22, "k23": 23, "k24": 24, "k25": 25, "k26": 26, "k27": 27, "k28": 28, "k29": 29}
var funcsN = map[int]func() int{1: func() int { return 1 }, 3: func() int { return len(tableN) }}
var unusedN = map[string]string{"a": "b", "c": "d"}`},
	{name: "maps with keys of all kinds", body: `m1 := map[keyN]int{{"a", 1, 2.5}: 1}; m1[keyN{"a", "x", 1}]++; m2 := map[[2]keyN]bool{{}: true}; m3 := map[any]int{keyN{}: 1, 3: 2, "s": 3, [1]string{"q"}: 4}; m4 := map[interface{ M() }]int{keyN{"b", nil, 0}: 5}; println(m1[keyN{"a", 1, 2.5}], m2[[2]keyN{}], m3[keyN{}], m3[[1]string{"q"}], m4[keyN{"b", nil, 0}], len(m1))`, decls: `type keyN struct { s string; x any; f float64 }
func (keyN) M() {}`},
	{name: "goroutines", imports: "sync", body: `var wg @sync.WaitGroup; c := make(chan resultN, 10); for i := 0; i < 10; i++ { wg.Add(1); go func() { defer wg.Done(); select { case c <- resultN{i, nil}: default: } }() }; wg.Wait(); close(c); sum := 0; for r := range c { sum += r.n }; println("sum", sum)`, decls: `type resultN struct { n int; err error }`},
	{name: "callers", imports: "runtime", body: `pcs := make([]uintptr, 4); frames := @runtime.CallersFrames(pcs[:@runtime.Callers(1, pcs)]); for { f, more := frames.Next(); println(f.Function, f.Line); if !more { break } }; _, file, line, ok := @runtime.Caller(0); println(len(file), line, ok, @runtime.FuncForPC(pcs[0]).Name())`},
	{name: "callers of inlined functions", imports: "runtime", body: `outerN()`, decls: `func outerN() { middleN(1) }
func middleN(n int) { whereN(); func() { whereN() }() }
//go:noinline
func whereN() { pcs := make([]uintptr, 4); frames := @runtime.CallersFrames(pcs[:@runtime.Callers(2, pcs)]); for { f, more := frames.Next(); println(f.Function, f.Line); if !more { break } } }`},
	{name: "a stack", imports: "runtime/debug", body: `text := string(@debug.Stack()); println(len(text) > 100)`},
	{name: "garbage", imports: "runtime", body: `type node struct { next *node; pad [3]int; value any }; var list *node; for i := 0; i < 3000; i++ { list = &node{list, [3]int{i}, &i}; if i%1000 == 0 { @runtime.GC() } }; sum := 0; for n := list; n != nil; n = n.next { sum += *n.value.(*int) + n.pad[0] }; println(sum)`},
	{name: "roots of the garbage collector", imports: "runtime", body: `rootN.p = new([100]int); rootN.p[5] = #N; rootN.m = map[string]*int{"a": &rootN.p[5]}; rootsN[7] = &rootN.p[5]; initializedN.x = []any{rootN.p}; for i := 0; i < 3; i++ { @runtime.GC(); _ = make([]*int, 1000) }; println(*rootN.m["a"], *rootsN[7], initializedN.x[0].(*[100]int)[5], *initializedN.q)`, decls: `var rootN struct { a int; p *[100]int; b [3]int; m map[string]*int }
var rootsN [33]*int
var initializedN = struct { n int; x []any; q *int }{n: 1, q: new(int)}
var plainN [100]int
var filledN = [4]int{1, 2, 3}`},
	{name: "a finalizer", imports: "runtime time", body: `ran := make(chan string, 2); func() { x := &finalN{"N", nil}; @runtime.SetFinalizer(x, func(x *finalN) { ran <- x.name }); @runtime.AddCleanup(new(finalN), func(s string) { ran <- s }, "cleanup") }(); for i := 0; i < 2; { @runtime.GC(); select { case <-ran: i++; case <-@time.After(5 * @time.Millisecond): } }; println("finalized")`, decls: `type finalN struct { name string; p *finalN }`},
	{name: "unique and weak values", imports: "unique weak runtime", body: `a, b := @unique.Make(uniqueN{"x", #N}), @unique.Make(uniqueN{"x", #N}); p := new(uniqueN); w := @weak.Make(p); println(a == b, a.Value().s, w.Value() == p, @unique.Make("text") == @unique.Make("te"+"xt")); @runtime.KeepAlive(p)`, decls: `type uniqueN struct { s string; n int }`},
	{name: "pools and atomic values", imports: "sync sync/atomic", body: `pool := @sync.Pool{New: func() any { return new(pooledN) }}; p := pool.Get().(*pooledN); p.n++; pool.Put(p); var v @atomic.Pointer[pooledN]; v.Store(p); var m @sync.Map; m.Store(pooledN{1, nil}, p); x, ok := m.Load(pooledN{1, nil}); println(v.Load().n, ok, x.(*pooledN) == p, onceN())`, decls: `type pooledN struct { n int; err error }
var onceN = @sync.OnceValue(func() int { return #N })`},
	{name: "linkname", imports: "unsafe", body: `println(nanotimeN() > 0)`, decls: `//go:linkname nanotimeN runtime.nanotime
func nanotimeN() int64
var _ @unsafe.Pointer`},
	{name: "errors", imports: "errors fmt io", body: `err := @fmt.Errorf("wrapped: %w", @errors.Join(&problemN{#N}, @io.EOF)); var p *problemN; println(@errors.As(err, &p), p.code, @errors.Is(err, @io.EOF), err.Error())`, decls: `type problemN struct{ code int }
func (p *problemN) Error() string { return "problem N" }`},
	{name: "a switch on strings", body: `for _, s := range []string{"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "N"} { println(switchedN(s)) }`, decls: `
//go:noinline
func switchedN(s string) int { switch s { case "alpha": return 1; case "beta": return 2; case "gamma": return 3; case "delta": return 4; case "epsilon": return 5; case "zeta": return 6; case "eta": return 7; case "theta": return 8; case "iota": return 9; case "N": return #N }; return 0 }`},
	{name: "a switch on numbers", body: `sum := 0; for i := 0; i < 20; i++ { sum += jumpN(i) }; println(sum)`, decls: `
//go:noinline
func jumpN(n int) int { switch n { case 0: return 5; case 1: return 3; case 2: return 8; case 3: return 1; case 4: return 12; case 5: return 7; case 6: return 9; case 7: return 2; case 8: return 4; case 9: return 6; case 10: return 11 }; return #N }`},
	{name: "iterators", imports: "iter maps slices", body: `for i, s := range countedN([]string{"a", "b", "c"}) { defer println("after", s); if i == 1 { break } }; println(len(@slices.Sorted(@maps.Keys(map[namedKeyN]int{"x": 1, "y": 2}))))`, decls: `type namedKeyN string
func countedN[T any](s []T) @iter.Seq2[int, T] { return func(yield func(int, T) bool) { for i, x := range s { if !yield(i, x) { return } } } }`},
	{name: "method values", imports: "bytes io", body: `var w wrapperN; w.Buffer = new(@bytes.Buffer); f := w.WriteString; f("abN"); g := (*wrapperN).Len; var x @io.Writer = w; x.Write([]byte("c")); var y @io.ReaderFrom = &w; println(g(&w), w.String(), y != nil, @io.Writer.Write != nil, w.Reader == nil)`, decls: `type wrapperN struct { *@bytes.Buffer; @io.Reader }
func (w wrapperN) Read(p []byte) (int, error) { return w.Buffer.Read(p) }
func (w wrapperN) WriteTo(x @io.Writer) (int64, error) { return w.Buffer.WriteTo(x) }`},
	{name: "sorting", imports: "sort container/heap", body: `s := sortedN{3, 1, 2}; @sort.Sort(s); h := &heapN{s}; @heap.Init(h); @heap.Push(h, #N); println(s[0], s[2], @heap.Pop(h).(int), @sort.SearchInts(s, 2))`, decls: `type sortedN []int
func (s sortedN) Len() int { return len(s) }
func (s sortedN) Less(i, j int) bool { return s[i] < s[j] }
func (s sortedN) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
type heapN struct{ sortedN }
func (h *heapN) Push(x any) { h.sortedN = append(h.sortedN, x.(int)) }
func (h *heapN) Pop() any { x := h.sortedN[len(h.sortedN)-1]; h.sortedN = h.sortedN[:len(h.sortedN)-1]; return x }`},
	{name: "a profile", imports: "runtime/pprof strings", body: `var text @strings.Builder; block := make(chan bool); started := make(chan bool); go parkedN(started, block); <-started; @pprof.Lookup("goroutine").WriteTo(&text, 1); close(block); println(@strings.Contains(text.String(), "parkedN"))`, decls: `
//go:noinline
func parkedN(started, block chan bool) { close(started); <-block }`},
	{name: "types of other packages", imports: "bufio net/url text/tabwriter os fmt math/big", body: `u, _ := @url.Parse("http://h/p?q=N"); var s @fmt.Stringer = u; w := @tabwriter.NewWriter(@os.Stderr, 0, 8, 1, ' ', 0); @fmt.Fprintf(w, "a\tb\t%v\n", s); w.Flush(); b := @big.NewInt(#N); @fmt.Fprintln(@os.Stderr, b.Mul(b, b), @bufio.NewReader(nil).Size())`},
	{name: "closures", body: `var fs []func(int) int; for i := 0; i < 3; i++ { fs = append(fs, func(n int) int { i += n; return i * #N }) }; println(fs[0](1), fs[1](2), fs[2](3), composeN(fs[0], fs[1])(1))`, decls: `func composeN(f, g func(int) int) func(int) int { return func(n int) int { return f(g(n)) } }`},
	{name: "structs that are compared", body: `x, y := comparedN{"a", 1, [3]any{1, "b", nil}, struct{ p *int }{}}, comparedN{"a", 1, [3]any{1, "b", nil}, struct{ p *int }{}}; println(x == y, any(x) == any(y), x != comparedN{}); println(any([2]comparedN{x}) == any([2]comparedN{y}))`, decls: `type comparedN struct { s string; f float32; a [3]any; x struct{ p *int } }`},
	{name: "empty variables", body: `println(len(emptyN), sizeN == struct{}{}, len(zeroN))`, decls: `var emptyN [0]int
var sizeN struct{}
var zeroN [5000]byte`},
	{name: "arguments in registers and on the stack", body: `a, b, c := manyN(1, 2.5, "s", []int{1}, bigN{#N, 2, 3, 4, 5, nil}, 6, 7, 8, 9, 10, 11, 12); println(a, b, c.F)`, decls: `type bigN struct { A, B, C, D, F int; e error }
//go:noinline
func manyN(a int, b float64, s string, l []int, x bigN, n ...int) (int, string, bigN) { x.F += len(n); return a + int(b) + len(l) + x.A, s + "t", x }`},
	{name: "random numbers", imports: "math/rand/v2 hash/crc32", body: `r := @rand.New(@rand.NewPCG(1, #N)); println(r.Uint64()%1000, @crc32.ChecksumIEEE([]byte("N")))`},
	{name: "contexts and time", imports: "context time", body: `ctx, cancel := @context.WithTimeout(@context.WithValue(@context.Background(), contextN{}, "v"), @time.Hour); cancel(); <-ctx.Done(); println(ctx.Err().Error(), ctx.Value(contextN{}).(string), @time.Duration(#N).String(), @time.Unix(#N, 0).UTC().String())`, decls: `type contextN struct{}`},
	{name: "regular expressions", imports: "regexp strconv", body: `println(@regexp.MustCompile("^a(b|c)+N$").MatchString("abcN"), @strconv.Quote("N\x00"))`},
}

// text replaces the names in a part of a snippet.
func (s snippet) text(part, number string) string {
	for _, path := range strings.Fields(s.imports) {
		part = strings.ReplaceAll(part, "@"+packageName(path)+".", importName(path, number)+".")
	}
	// N stands alone as a number, and at the end of names.
	part = strings.ReplaceAll(part, "#N", number)
	return replaceN.ReplaceAllString(part, "${1}hs"+number)
}

// importName returns the name by which a snippet imports a package.
func importName(path, number string) string { return "pkg" + packageName(path) + "_" + number }

func packageName(path string) string {
	if path == "math/rand/v2" {
		return "rand"
	}
	return path[strings.LastIndex(path, "/")+1:]
}
