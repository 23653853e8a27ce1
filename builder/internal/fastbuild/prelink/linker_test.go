package prelink

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
	"go.uber.org/goleak"
)

// linkers is a directory for the linkers of all tests.
var linkers string

func TestMain(m *testing.M) {
	var err error
	if linkers, err = os.MkdirTemp("", "linkers-"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(linkers)
		os.Exit(code)
	}))
}

// installation is a Go installation with its waiting linker.
type installation struct {
	goroot, tool string
	linker       *Linker
}

// install builds the waiting linker of the Go release that runs the test, or of
// another one, which the go command downloads.
func install(t *testing.T, release string) installation {
	t.Helper()
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Dir = t.TempDir()
	if release != "" {
		cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+release)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	goroot := strings.TrimSpace(string(out))
	l := New(linktool.Options{GOROOT: goroot, Env: os.Environ(), CacheDir: linkers, Dir: t.TempDir()})
	t.Cleanup(l.Close)
	l.Prepare(t.Context())
	if errors.Is(l.off, linktool.ErrUntested) {
		t.Skip(l.off)
	}
	if l.off != nil {
		t.Fatal(l.off)
	}
	return installation{goroot, l.tool, l}
}

// project is a program that is edited and linked in both ways.
type project struct {
	*testing.T
	installation
	dir     string
	cgo     string // value of CGO_ENABLED
	command *linktool.Command
	hot     map[string]bool
	first   map[string]string // files
	resumed int               // links that could use the early reachability
	several bool              // several edits at once are linked
}

func newProject(t *testing.T, in installation, archive, cgo string, hot ...string) *project {
	t.Helper()
	_, files := buildtest.Unpack(archive)
	p := &project{T: t, installation: in, dir: buildtest.Project(t, archive), cgo: cgo, first: files, hot: map[string]bool{}}
	for _, name := range hot {
		p.hot[name] = true
	}
	p.command = &linktool.Command{
		Flags: []string{"-s", "-w", "-buildmode=exe", "-buildid=a/b/c/d", "-X", "main.version=1", "-X=main.other=2", "-checklinkname=0", "-extld=gcc"},
		Dir:   p.dir, Env: os.Environ(), Main: "example.com/m", Config: linktool.Config,
	}
	return p
}

// write makes the project's files those of the first version with edits.
func (p *project) write(edits ...edit) {
	p.Helper()
	files := maps.Clone(p.first)
	for _, e := range edits {
		for name, change := range e.files {
			if strings.Count(files[name], change[0]) != 1 {
				p.Fatalf("%s: %q is not once in %s", e.name, change[0], name)
			}
			files[name] = strings.Replace(files[name], change[0], change[1], 1)
		}
	}
	for name, content := range files {
		buildtest.Write(p, filepath.Join(p.dir, name), content)
	}
}

// compile returns the archives of the program.
func (p *project) compile() map[string]string {
	p.Helper()
	cmd := exec.Command(filepath.Join(p.goroot, "bin", "go"), "list", "-export", "-deps", "-f", "{{with .Export}}{{$.ImportPath}} {{.}}{{end}}", ".")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED="+p.cgo)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		p.Fatalf("%v: %s", err, &errs)
	}
	archives := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		archives[path] = file
	}
	delete(archives, "")
	return archives
}

// warm starts a waiting linker.
func (p *project) warm(archives map[string]string) *process {
	p.Helper()
	w, err := start(p.tool, p.TempDir(), p.command, archives, p.hot)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(w.close)
	if err := w.await(p.Context()); err != nil {
		p.Fatal(err)
	}
	return w
}

// warmFor starts a waiting linker for which only main and the packages that will
// change are hot: others import them, or are imported by them.
func (p *project) warmFor(before, after map[string]string) *process {
	p.Helper()
	all := p.hot
	defer func() { p.hot = all }()
	p.hot = map[string]bool{p.command.Main: true}
	for _, path := range linktool.Changed(before, after) {
		p.hot[path] = true
	}
	return p.warm(before)
}

// ordinary links with the linker of the Go release.
func (p *project) ordinary(archives map[string]string, id string) (program []byte) {
	p.Helper()
	config, _ := linktool.Config(archives)
	dir := p.TempDir()
	buildtest.Write(p, filepath.Join(dir, "importcfg"), config)
	flags := slices.Clone(p.command.Flags)
	flags[slices.Index(flags, "-buildid=a/b/c/d")] = "-buildid=" + id
	args := append([]string{"-o", filepath.Join(dir, "out"), "-importcfg", filepath.Join(dir, "importcfg")}, flags...)
	link := filepath.Join(p.goroot, "pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH, "link")
	if out, err := exec.Command(link, append(args, archives[p.command.Main])...).CombinedOutput(); err != nil {
		p.Fatalf("the ordinary linker: %v: %s", err, out)
	}
	return p.read(filepath.Join(dir, "out"))
}

func (p *project) read(name string) []byte {
	p.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		p.Fatal(err)
	}
	return content
}

// compare links archives with a waiting linker and with the ordinary one.
func (p *project) compare(w *process, archives map[string]string, name string) {
	p.Helper()
	const id = "e/f/g/e"
	out := filepath.Join(p.TempDir(), "out")
	if err := w.link(p.Context(), archives, id, out); err != nil {
		// Several edits at once may need more numbers of symbols than are reserved.
		if !p.several || !strings.Contains(err.Error(), "has too many new symbols") {
			p.Errorf("%s: %v", name, err)
		}
		return
	}
	if !bytes.Equal(p.read(out), p.ordinary(archives, id)) {
		p.Errorf("%s: the programs differ", name)
	}
	if w.output == "resume: <nil>\n" {
		p.resumed++
	}
	p.Logf("%s: %s", name, w.output)
}

var hotPackages = []string{"example.com/m", "example.com/m/lib", "example.com/m/mid", "example.com/m/gen"}

// Every third edit, and the way back from each of those; with HOTSTART_LONG every edit.
func TestEdits(t *testing.T) {
	p := newProject(t, install(t, ""), program, "0", hotPackages...)
	p.write()
	before := p.compile()
	tried := 0
	for i, e := range edits {
		if i%3 != 0 && os.Getenv("HOTSTART_LONG") == "" {
			continue
		}
		tried++
		p.write(e)
		after := p.compile()
		p.compare(p.warmFor(before, after), after, e.name)
		p.compare(p.warm(after), before, "without "+e.name)
	}
	if p.resumed < tried*3/4 {
		t.Errorf("the early reachability was used in only %d of %d edits", p.resumed, tried)
	}
}

// From each edit to the next one.
func TestEditAfterEdit(t *testing.T) {
	if os.Getenv("HOTSTART_LONG") == "" {
		t.Skip("takes long: set HOTSTART_LONG")
	}
	p := newProject(t, install(t, ""), program, "0", hotPackages...)
	p.write(edits[0])
	before := p.compile()
	for _, e := range edits[1:] {
		p.write(e)
		after := p.compile()
		p.compare(p.warm(before), after, e.name)
		before = after
	}
}

// A program in which another package calls methods by names that the linker does
// not know: it keeps the exported methods of all types.
func TestReflectingPackage(t *testing.T) {
	const program = buildtest.Module + "-- main.go --\npackage main\n\nimport (\n\t\"os\"\n\t\"text/template\"\n)\n\n" +
		"func main() {\n\ttemplate.Must(template.New(\"\").Parse(\"{{.}}\")).Execute(os.Stdout, 1)\n}\n"
	p := newProject(t, install(t, ""), program, "0", "example.com/m")
	p.write()
	before := p.compile()
	p.write(edit{"a method", map[string][]string{"main.go": {"Stdout, 1)\n}\n", "Stdout, thing{})\n}\n\ntype thing struct{}\n\nfunc (thing) Method() string { return \"called\" }\n"}}})
	p.compare(p.warm(before), p.compile(), "a method")
	if p.resumed == 0 {
		t.Error("the early reachability was not used")
	}
}

// A program with cgo, which is linked without a C compiler all the same, and one with DWARF.
func TestOtherPrograms(t *testing.T) {
	const server = buildtest.Module + "-- main.go --\npackage main\n\nimport \"net/http\"\n\nvar version string\n\n" +
		"func main() {\n\tprintln(version, http.ListenAndServe(\"256.0.0.1:0\", nil))\n}\n"
	buildtest.NeedGCC(t)
	for name, flags := range map[string][]string{"stripped": {"-s", "-w"}, "DWARF": nil} {
		if name == "DWARF" && os.Getenv("HOTSTART_LONG") == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProject(t, install(t, ""), server, "1", "example.com/m")
			p.command.Flags = append(flags, p.command.Flags[2:]...)
			p.write()
			before := p.compile()
			p.write(edit{name, map[string][]string{"main.go": {"func main() {\n", "func f() {}\n\nfunc main() {\n\tf()\n\thttp.HandleFunc(\"/\", http.NotFound)\n"}}})
			p.compare(p.warm(before), p.compile(), name)
		})
	}
}

// Random edits with some releases. HOTSTART_EDITS sets the number of edits, for all releases.
func TestRandomEdits(t *testing.T) {
	if os.Getenv("HOTSTART_LONG") == "" {
		t.Skip("takes long: set HOTSTART_LONG")
	}
	tried, steps := []string{"local", "go1.24.0", "go1.25.0", "go1.27.4"}, 20
	if n, err := strconv.Atoi(os.Getenv("HOTSTART_EDITS")); err == nil {
		tried, steps = releases, n
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, release := range tried {
		t.Run(release, func(t *testing.T) {
			p := newProject(t, install(t, release), program, "0", hotPackages...)
			p.several = true
			p.randomEdits(rand.New(rand.NewPCG(seed, 0)), steps)
		})
	}
}

// randomEdits makes steps from one set of edits to another.
func (p *project) randomEdits(r *rand.Rand, steps int) {
	p.write()
	before := p.compile()
	for range steps {
		var chosen []edit
		var names []string
		for _, i := range r.Perm(len(edits))[:r.IntN(4)] {
			if e := edits[i]; !conflicts(chosen, e) {
				chosen, names = append(chosen, e), append(names, e.name)
			}
		}
		p.write(chosen...)
		after := p.compile()
		p.compare(p.warmFor(before, after), after, fmt.Sprintf("%q", names))
		before = after
	}
}

// conflicts reports whether two edits change the same text.
func conflicts(chosen []edit, e edit) bool {
	return slices.ContainsFunc(chosen, func(c edit) bool {
		for name, change := range e.files {
			if other, ok := c.files[name]; ok && other[0] == change[0] && !strings.HasSuffix(other[1], other[0]) && !strings.HasPrefix(other[1], other[0]) {
				return true
			}
		}
		return false
	})
}

var releases = func() (names []string) {
	for _, name := range tested {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}()

// Where the process does not fit or fails, Link returns an error, and the
// process ends.
func TestFallback(t *testing.T) {
	in := install(t, "")
	p := newProject(t, in, program, "0", hotPackages...)
	p.write()
	before := p.compile()
	p.write(edits[0])
	after := p.compile()
	l, out := in.linker, filepath.Join(t.TempDir(), "out")
	link := func(name string, c *linktool.Command, archives map[string]string, ok bool) {
		t.Helper()
		if err := l.Link(t.Context(), c, archives, "a/b/c/d", out); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if l.process != nil {
			t.Errorf("%s: a process is left", name)
		}
	}
	warm := func() *process {
		t.Helper()
		if err := l.Warm(t.Context(), p.command, before); err != nil {
			t.Fatal(err)
		}
		return l.process
	}
	link("nothing waits", p.command, after, false)
	warm()
	link("an edit of main", p.command, after, true)
	link("once more", p.command, after, false)
	warm()
	other := *p.command
	link("another command", &other, after, false)
	warm()
	edited := maps.Clone(before)
	edited["fmt"] = edited["os"]
	link("an edit of a package that is not hot", p.command, edited, false)
	warm()
	edited = maps.Clone(before)
	edited["example.com/m"] = edited["os"]
	link("another package in the place of main", p.command, edited, false)
	if err := warm().cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	link("a process that was killed", p.command, after, false)
	if _, err := os.Stat(out); err != nil {
		t.Error(err)
	}
	l.failures = 0                               // three in a row would be the last ones
	if err := warm().stdin.Close(); err != nil { // as the kernel does when hotstart is killed
		t.Fatal(err)
	}
	<-l.process.exited
	link("a process whose input has ended", p.command, after, false)
	first := warm()
	if warm() != first {
		t.Error("a process that fits was replaced")
	}
	for range maxFailures {
		if l.count(errNoProcess); l.off != nil {
			break
		}
	}
	if err := l.Warm(t.Context(), p.command, before); !errors.Is(err, errNoProcess) {
		t.Errorf("after three failures: %v", err)
	}
	l.Close()
	if err := l.Warm(t.Context(), p.command, before); err == nil || l.process != nil {
		t.Errorf("Warm after Close: %v", err)
	}
	if left := buildtest.List(t, l.Dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestCommandsThatWereNotTested(t *testing.T) {
	for _, flags := range []string{
		"-s -w -buildmode=exe -buildid=x -extld=gcc -X a=b -X=c=d -checklinkname=0",
		"-s -w -X -race",
	} {
		if err := (&linktool.Command{Flags: strings.Fields(flags)}).Check(testedFlags); err != nil {
			t.Errorf("%s: %v", flags, err)
		}
	}
	for _, flags := range []string{"-race", "-buildmode=pie", "-linkmode=external", "-checklinkname=1", "-msan", "-buildid", "-r x", "-X a -race"} {
		if (&linktool.Command{Flags: strings.Fields(flags)}).Check(testedFlags) == nil {
			t.Errorf("%s is accepted", flags)
		}
	}
}

func TestMemoryIsChecked(t *testing.T) {
	huge := filepath.Join(t.TempDir(), "huge.a")
	buildtest.Write(t, huge, "")
	if err := os.Truncate(huge, 1<<42); err != nil { // a sparse file
		t.Fatal(err)
	}
	if err := linktool.CheckMemory(neededMemory(map[string]string{"a": huge})); err == nil {
		t.Error("12 TB are available")
	}
}

// The linker is built once, and kept in a directory that nobody else can write.
func TestBuildOnce(t *testing.T) {
	first := install(t, "")
	before, err := os.Stat(first.tool)
	if err != nil {
		t.Fatal(err)
	}
	second := install(t, "")
	after, err := os.Stat(second.tool)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("built twice: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(linkers, "build-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if l := New(linktool.Options{GOROOT: first.goroot, Env: os.Environ(), CacheDir: open, Dir: t.TempDir()}); l.Prepare(t.Context()) || l.off == nil {
		t.Error("a directory that others can write is used")
	}
}

// A Go release whose sources were not tested is refused, and one without sources.
func TestUnknownReleases(t *testing.T) {
	in := install(t, "")
	goroot := t.TempDir()
	l := func() *Linker {
		return New(linktool.Options{GOROOT: goroot, Env: os.Environ(), CacheDir: linkers, Dir: t.TempDir()})
	}
	buildtest.Write(t, filepath.Join(goroot, "VERSION"), "go1.26.8\n")
	if _, err := source.Build(t.Context(), l().Options); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without sources: %v", err)
	}
	for _, name := range source.ReliedOn {
		content, err := os.ReadFile(filepath.Join(in.goroot, "src", name))
		if err != nil {
			t.Fatal(err)
		}
		buildtest.Write(t, filepath.Join(goroot, "src", name), string(content)+"\n")
	}
	if _, err := source.Build(t.Context(), l().Options); !errors.Is(err, linktool.ErrUntested) {
		t.Errorf("with other sources: %v", err)
	}
}
