package delta

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// lab compiles programs, links them with the ordinary linker and with a delta, and
// compares what they do.
type lab struct {
	goroot string
	std    map[string]string // archives of the standard library, by import path
	delta  *Linker
}

// newLab returns a lab for the Go release that runs the test.
func newLab(t testing.TB) *lab {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{goroot: strings.TrimSpace(string(out)), std: map[string]string{}}
	l.delta = New(linktool.Options{GOROOT: l.goroot, Env: os.Environ(), CacheDir: linkers, Dir: t.TempDir()})
	t.Cleanup(l.delta.Close)
	if l.delta.Prepare(t.Context()); l.delta.off != nil {
		t.Fatal(l.delta.off)
	}
	list := exec.Command(filepath.Join(l.goroot, "bin", "go"), "list", "-export", "-f", "{{with .Export}}{{$.ImportPath}} {{.}}{{end}}", "std")
	list.Dir = t.TempDir()
	list.Env = append(os.Environ(), "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	out, err = list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		l.std[path] = file
	}
	delete(l.std, "")
	return l
}

// tool returns the path of a tool of the Go release.
func (l *lab) tool(name string) string {
	return filepath.Join(l.goroot, "pkg", "tool", runtime.GOOS+"_"+runtime.GOARCH, name)
}

// exec runs a program for some minutes at most, and returns its output.
func (l *lab) exec(ctx context.Context, dir string, env []string, name string, args ...string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), env...), time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return string(out), err
}

// unit is a package that is compiled.
type unit struct {
	path  string // import path; "main" for package main
	dir   string
	files []string
	flags []string
}

// compile compiles packages, each after those that it imports. It returns all archives of
// the program, by import path.
func (l *lab) compile(ctx context.Context, dir string, units []unit) (archives map[string]string, err error) {
	archives = maps.Clone(l.std)
	for i, u := range units {
		if archives[u.path], err = l.compileOne(ctx, dir, u, archives, i); err != nil {
			return nil, err
		}
	}
	return archives, nil
}

// compileOne compiles a package into an archive with a number.
func (l *lab) compileOne(ctx context.Context, dir string, u unit, archives map[string]string, number int) (archive string, err error) {
	config, err := writeConfig(filepath.Join(dir, "compile.cfg"), archives)
	if err != nil {
		return "", err
	}
	archive = filepath.Join(dir, fmt.Sprintf("%d.a", number))
	args := append([]string{"-o", archive, "-p", u.path, "-importcfg", config, "-pack", "-c=2", "-dwarf=0"}, u.flags...)
	if out, err := l.exec(ctx, u.dir, nil, l.tool("compile"), append(args, u.files...)...); err != nil {
		return "", fmt.Errorf("compiling %s: %w: %s", u.path, err, out)
	}
	return archive, nil
}

func writeConfig(file string, archives map[string]string) (string, error) {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(archives)) {
		fmt.Fprintf(&b, "packagefile %s=%s\n", path, archives[path])
	}
	return file, os.WriteFile(file, []byte(b.String()), 0o666)
}

// link links with the ordinary linker.
func (l *lab) link(ctx context.Context, archives map[string]string, dir, output string) error {
	config, err := writeConfig(filepath.Join(dir, "link.cfg"), archives)
	if err != nil {
		return err
	}
	out, err := l.exec(ctx, dir, nil, l.tool("link"), "-o", output, "-importcfg", config, "-buildmode=exe", "-buildid=a/b/c/d", "-s", "-w", archives["main"])
	if err != nil {
		err = fmt.Errorf("the ordinary linker: %w: %s", err, out)
	}
	return err
}

// linkBase links a base into dir, which it makes.
func (l *lab) linkBase(ctx context.Context, archives map[string]string, hot []string, dir string) (*base, error) {
	b := &base{tool: l.delta.tool, dir: dir, archives: archives, hot: map[string]bool{}, urgent: true, command: &linktool.Command{
		Flags: []string{"-buildmode=exe", "-buildid=a/b/c/d", "-s", "-w"}, Dir: filepath.Dir(dir), Env: append(os.Environ(), "HOTSTART_DELTA_STD=1"), Main: "main", Config: linktool.Config,
	}}
	for _, path := range hot {
		b.hot[path] = true
	}
	return b, b.make(ctx)
}

// behaviour is what a program did: what can be compared between two runs of it.
type behaviour struct {
	exit   string
	output string
}

func (b behaviour) String() string { return b.exit + "\n" + b.output }

// varying matches what differs from run to run, and between links: addresses, durations, goroutine IDs.
var varying = regexp.MustCompile(`0x[0-9a-f]+|\b\d+(\.\d+)?(ns|.s|ms|s)\b|goroutine \d+|\+0x\w+|\d{6,}|\b[0-9a-f]{8,}\b`)

// run runs a program.
func (l *lab) run(ctx context.Context, dir string, env []string, program string, args ...string) behaviour {
	out, err := l.exec(ctx, dir, env, program, args...)
	b := behaviour{exit: "exit status 0", output: varying.ReplaceAllString(out, "~")}
	if err != nil {
		b.exit = err.Error()
	}
	return b
}

// environments are the settings that each program runs with.
var environments = [][]string{
	nil,
	{"GOGC=2", "GODEBUG=gccheckmark=1,clobberfree=1"},
}

// compareRuns runs two programs and returns a text that says how they differ, or "". A program may do
// something else in each run: then what all ordinary runs print has to be printed.
func (l *lab) compareRuns(ctx context.Context, dir, want, got string, environments [][]string, args ...string) string {
	for _, env := range environments {
		var ordinary, delta []behaviour
		same := false
		for i := 0; i < 4 && !same; i++ {
			ordinary = append(ordinary, l.run(ctx, dir, env, want, args...))
			delta = append(delta, l.run(ctx, dir, env, got, args...))
			same = slices.Contains(ordinary, delta[i])
		}
		// What a program prints may depend on chance.
		if !same && !slices.ContainsFunc(delta, func(b behaviour) bool { return b.isOneOf(ordinary) }) {
			return fmt.Sprintf("%v\n-- ordinary: %s\n-- delta: %s", env, shorten(ordinary[0].String()), shorten(delta[0].String()))
		}
	}
	return ""
}

// isOneOf reports whether a program has printed all lines that each of the ordinary runs has
// printed, and no other lines that tell of a failure.
func (b behaviour) isOneOf(ordinary []behaviour) bool {
	printed := lines(b)
	inAll, inSome := lines(ordinary[0]), lines(ordinary[0])
	for _, o := range ordinary[1:] {
		if o.exit != ordinary[0].exit {
			return false
		}
		more := lines(o)
		maps.DeleteFunc(inAll, func(line string, _ bool) bool { return !more[line] })
		maps.Copy(inSome, more)
	}
	for line := range inAll {
		if !printed[line] {
			return false
		}
	}
	if b.exit != ordinary[0].exit || len(inSome) == len(inAll) && len(printed) != len(inAll) {
		return false
	}
	for line := range printed {
		if !inSome[line] && failure.MatchString(line) {
			return false
		}
	}
	return true
}

// failure matches a line of output that tells of a failure.
var failure = regexp.MustCompile(`panic|fatal|FAIL|SIG|unexpected`)

// lines returns the lines of an output.
func lines(b behaviour) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(b.output) {
		all[line] = true
	}
	return all
}

func shorten(s string) string {
	if len(s) > 1500 {
		return s[:700] + "\n…\n" + s[len(s)-700:]
	}
	return s
}

// tally counts the results of links and the reasons of fallbacks.
type tally struct {
	mu      sync.Mutex
	results map[string]int
	reasons map[string]int
}

func (c *tally) add(result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.results == nil {
		c.results, c.reasons = map[string]int{}, map[string]int{}
	}
	c.results[result]++
}

// names matches what a reason names: symbols.
var quoted = regexp.MustCompile(`\S*[./:*]\S*`)

func (c *tally) fallback(err error) {
	c.add("fallback")
	c.mu.Lock()
	defer c.mu.Unlock()
	first, _, _ := strings.Cut(err.Error(), "\n")
	c.reasons[quoted.ReplaceAllString(strings.TrimPrefix(first, errGaveUp.Error()+": "), "…")]++
}

func (c *tally) String() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(c.results)) {
		fmt.Fprintf(&b, "%d %s, ", c.results[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(c.reasons)) {
		fmt.Fprintf(&b, "\n\t%4d fallbacks: %s", c.reasons[k], k)
	}
	return b.String()
}
