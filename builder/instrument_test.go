package builder

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder/adopt"
	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/paths"
)

const listens = `package main

import "net"

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	l.Close()
	print("hello\n")
}
`

const servesHTTP = `package main

import "net/http"

func main() {
	if http.ListenAndServe("nowhere.invalid:0", nil) != nil {
		print("hello\n")
	}
}
`

const mainGo = "-- main.go --\n"

// hooked returns the package that is instrumented in a binary.
func hooked(x *Binary) string {
	switch {
	case fileContains(x.Path, ".(*hotstartHTTP).ServeHTTP\x00"):
		return "net/http"
	case fileContains(x.Path, ".(*hotstartWorker).listen\x00"):
		return "net"
	}
	return ""
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	const old = "-- go.mod --\nmodule example.com/hello\n\ngo 1.12\n"
	tests := []struct {
		name    string
		archive string
		options Options
		want    string
	}{
		{"nothing to adopt", buildtest.Module + buildtest.Hello, Options{}, ""},
		{"net", buildtest.Module + mainGo + listens, Options{}, "net"},
		{"net/http", buildtest.Module + mainGo + servesHTTP, Options{}, "net/http"},
		{"files", buildtest.Module + mainGo + listens, Options{Packages: []string{"main.go"}}, "net"},
		// With HOTSTART_LONG, also:
		{"trimpath", buildtest.Module + mainGo + listens, Options{Flags: []string{"-trimpath"}}, "net"},
		{"linker flags", buildtest.Module + mainGo + listens, Options{Flags: []string{"-ldflags", "-s"}}, "net"},
		{"debug", buildtest.Module + mainGo + listens, Options{Debug: true}, "net"},
		{"an older language", old + mainGo + servesHTTP, Options{}, "net/http"},
		{"files written otherwise", buildtest.Module + mainGo + listens, Options{Packages: []string{"./main.go"}}, "net"},
		{"files without a module", mainGo + listens, Options{Packages: []string{"main.go"}}, "net"},
		{"import path", buildtest.Module + mainGo + listens, Options{Packages: []string{"example.com/m"}}, "net"},
		{"linker flags by pattern", buildtest.Module + mainGo + listens, Options{Flags: []string{"-ldflags=all=-w", "-ldflags=fmt=-s"}}, "net"},
	}
	if os.Getenv("HOTSTART_LONG") == "" {
		tests = tests[:4]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Adopt = true
			b := builderIn(t, buildtest.Project(t, test.archive), test.options)
			x := mustBuild(t, b)
			if out := output(t, x); out != "hello\n" {
				t.Errorf("it prints %q", out)
			}
			if got := hooked(x); got != test.want {
				t.Errorf("the binary is instrumented for %q, want %q", got, test.want)
			}
			if got, err := b.Instrumentation(); got != test.want || err != nil {
				t.Errorf("Instrumentation returns %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestAdoptMergesAnOverlay(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+mainGo+strings.Replace(listens, "hello", "the disk", 1))
	buildtest.Write(t, filepath.Join(dir, "other.txt"), listens)
	buildtest.Write(t, filepath.Join(dir, "overlay.json"), `{"Replace": {"main.go": "other.txt"}}`)
	b := builderIn(t, dir, Options{Adopt: true, Flags: []string{"-overlay=overlay.json"}})
	x := mustBuild(t, b)
	if out := output(t, x); out != "hello\n" || hooked(x) != "net" {
		t.Errorf("it prints %q and is instrumented for %q", out, hooked(x))
	}
}

func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		archive string
		options Options
		says    string
	}{
		{"file exists", "-- " + adopt.FileName + " --\npackage main\n", Options{}, "already"},
		{"flags forbid it", "", Options{Flags: []string{"-ldflags=-checklinkname=1"}}, "forbids"},
		{"names collide", "-- x.go --\npackage main\n\ntype hotstartWorker int\n", Options{Packages: []string{"main.go", "x.go"}}, "does not build"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Adopt = true
			b := builderIn(t, buildtest.Project(t, buildtest.Module+mainGo+listens+test.archive), test.options)
			for range 2 {
				x := mustBuild(t, b)
				if out := output(t, x); out != "hello\n" || hooked(x) != "" {
					t.Errorf("it prints %q and is instrumented for %q", out, hooked(x))
				}
				if _, err := b.Instrumentation(); err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("Instrumentation returns %v", err)
				}
			}
		})
	}
}

// An edit may turn a program into a server before the next list.
func TestAdoptAfterAnEdit(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	b := builderIn(t, dir, Options{Adopt: true})
	for _, step := range []struct{ source, want string }{
		{strings.TrimPrefix(buildtest.Hello, mainGo), ""}, {listens, "net"}, {servesHTTP, "net/http"},
	} {
		buildtest.Write(t, filepath.Join(dir, "main.go"), step.source)
		if got := hooked(mustBuild(t, b)); got != step.want {
			t.Errorf("instrumented for %q, want %q", got, step.want)
		}
	}
	buildtest.Write(t, filepath.Join(dir, "main.go"), listens)
	if _, err := b.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("instrumented for %q, want net", got)
	}
}

// The import path of the generated package begins with the module path, which the user may change.
func TestAdoptARenamedModule(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	dir := buildtest.Project(t, buildtest.Module+mainGo+listens)
	b := builderIn(t, dir, Options{Adopt: true})
	for _, name := range []string{"m", "n"} {
		buildtest.Write(t, filepath.Join(dir, "go.mod"), "module example.com/"+name+"\n")
		if got := hooked(mustBuild(t, b)); got != "net" {
			t.Errorf("instrumented for %q, want net", got)
		}
	}
}

// Broken code has the same errors as without instrumentation.
func TestAdoptOfBrokenCode(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+mainGo+strings.Replace(listens, "panic(err)", "panic(er)", 1))
	b := builderIn(t, dir, Options{Adopt: true})
	_, err := b.Build(t.Context())
	var broken *BuildError
	if !errors.As(err, &broken) || len(broken.Diagnostics) != 1 ||
		broken.Diagnostics[0].File != filepath.Join(dir, "main.go") || broken.Diagnostics[0].Line != 8 {
		t.Errorf("got %v", err)
	}
	buildtest.Write(t, filepath.Join(dir, "main.go"), listens)
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("instrumented for %q, want net", got)
	}
}

// The generated file must not replace files that the user has removed.
func TestAdoptWithoutFiles(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	dir := buildtest.Project(t, buildtest.Module+mainGo+listens)
	b := builderIn(t, dir, Options{Adopt: true})
	mustBuild(t, b)
	name := filepath.Join(dir, "main.go")
	buildtest.Move(t, name, name+".away")
	_, err := b.Build(t.Context())
	var broken *BuildError
	if !errors.As(err, &broken) || !strings.Contains(broken.Output, "no Go files in "+dir) {
		t.Errorf("got %v", err)
	}
	buildtest.Move(t, name+".away", name)
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("instrumented for %q, want net", got)
	}
}

// An error in the user's files does not disable the instrumentation.
func TestAdoptAfterUnreadableCode(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	dir := buildtest.Project(t, buildtest.Module+mainGo+listens)
	b := builderIn(t, dir, Options{Adopt: true, Go: obedientGo(t)})
	mustBuild(t, b)
	name := filepath.Join(dir, "main.go")
	if err := os.Chmod(name, 0); err != nil {
		t.Fatal(err)
	}
	_, err := b.Build(t.Context())
	var broken *BuildError
	if !errors.As(err, &broken) || !strings.Contains(broken.Output, "permission denied") || strings.Contains(broken.Output, "hotstart_adopt") {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	buildtest.Write(t, name, listens) // with another time: the go command may have cached the read error for the old one
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("instrumented for %q, want net", got)
	}
}

// Neither does an error that the user fixes before the second build, which finds out whether the
// instrumentation is at fault.
func TestAdoptOfCodeFixedBetweenBuilds(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	for what, test := range map[string]struct{ spoil, fix func(name string) error }{
		"unreadable": {unreadable, func(name string) error { return os.Chmod(name, 0o644) }},
		"away": {
			func(name string) error { return os.Rename(name, name+".away") },
			func(name string) error { return os.Rename(name+".away", name) },
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b, name, second := haltedBuilder(t)
			if err := test.spoil(name); err != nil {
				t.Fatal(err)
			}
			built := make(chan *Binary)
			go func() {
				defer close(built)
				if x, err := b.Build(t.Context()); err != nil {
					t.Error(err)
				} else {
					built <- x
				}
			}()
			resume := second()
			if err := test.fix(name); err != nil {
				t.Fatal(err)
			}
			resume()
			for _, x := range []*Binary{<-built, mustBuild(t, b)} {
				if x != nil && hooked(x) != "net" {
					_, err := b.Instrumentation()
					t.Errorf("instrumented for %q, want net: %v", hooked(x), err)
				}
			}
		})
	}
}

// Until the second build is done, a concurrent build is instrumented as usual: it may be of other
// code.
func TestAdoptDuringTheSecondBuild(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	b, name, second := haltedBuilder(t)
	if err := unreadable(name); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := b.Build(ctx)
		ended <- err
	}()
	second() // never resumed
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	buildtest.Write(t, name, listens+"\nvar x int\n")
	if got := hooked(mustBuild(t, b)); got != "net" {
		t.Errorf("instrumented for %q, want net", got)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the halted build: %v", err)
	}
}

// unreadable makes a file unreadable for the go command. The go command caches a read error by the
// time of the file, if that is more than two seconds ago.
func unreadable(name string) error {
	later := time.Now().Add(time.Hour)
	return errors.Join(os.Chmod(name, 0), os.Chtimes(name, later, later))
}

// haltedBuilder returns a Builder that has built a program once. When the next Build finds an error
// in the file name, its second build halts. The function second waits for that, and returns a
// function that resumes the build.
func haltedBuilder(t *testing.T) (b *Builder, name string, second func() (resume func())) {
	t.Helper()
	dir, steps := buildtest.Project(t, buildtest.Module+mainGo+listens), t.TempDir()
	b = builderIn(t, dir, Options{Adopt: true, Go: buildtest.Script(t, `
		step() { [ "$1" = build ] && mv `+steps+`/$2 `+steps+`/$3 2>/dev/null; }
		if step $1 second halted; then while [ -e `+steps+`/halted ]; do sleep 0.01; done
		else step $1 first second; fi
		exec `+obedientGo(t)+` "$@"
	`)})
	mustBuild(t, b)
	buildtest.Write(t, filepath.Join(steps, "first"), "")
	halted := filepath.Join(steps, "halted")
	return b, filepath.Join(dir, "main.go"), func() func() {
		t.Helper()
		if !buildtest.Poll(func() bool { return paths.IsFile(halted) }) {
			t.Fatal("no second build")
		}
		return func() { os.Remove(halted) }
	}
}

// obedientGo returns a go command that respects file modes, even if root runs it.
func obedientGo(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		return "go"
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("needs setpriv(1): root can read all files")
	}
	return buildtest.Script(t, "exec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search go \"$@\"\n")
}

// The instrumentation compiles package main and, once, the generated package. All other packages
// come from the cache of the user's own go command. Another place of the generated files compiles
// nothing again.
func TestAdoptSharesTheCache(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+mainGo+listens)
	plain := exec.Command("go", "build", "-pgo=off", "-buildvcs=false", "-o", filepath.Join(t.TempDir(), "x"))
	plain.Dir = dir
	if out, err := plain.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, step := range []struct {
		source string
		want   int
	}{
		{listens, 2}, {listens, 0}, {listens + "\nvar x int\n", 1},
	} {
		buildtest.Write(t, filepath.Join(dir, "main.go"), step.source)
		b := builderIn(t, dir, Options{Adopt: true})
		in, err := b.instrument(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		args := b.project.BuildArgs(b.nextOutput(), append(in.Flags, "-x"), in.Files)
		_, said, err := b.project.Run(t.Context(), args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		if n := strings.Count(said, "/compile -o "); n != step.want {
			t.Errorf("%d packages compiled, want %d", n, step.want)
		}
	}
}

// Unchanged files are not written again.
func TestAdoptWritesOnce(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	b := builderIn(t, buildtest.Project(t, buildtest.Module+mainGo+listens), Options{Adopt: true})
	mustBuild(t, b)
	before, err := os.Stat(filepath.Join(b.output, adopt.FileName))
	if err != nil {
		t.Fatal(err)
	}
	mustBuild(t, b)
	after, err := os.Stat(filepath.Join(b.output, adopt.FileName))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was written again: %v", err)
	}
}
