package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// output runs a binary and returns what it printed.
func output(t *testing.T, x *Binary) string {
	t.Helper()
	out, err := exec.Command(x.Path).CombinedOutput()
	if err != nil {
		t.Fatalf("running %s: %v", x.Path, err)
	}
	return string(out)
}

func mustBuild(t *testing.T, b *Builder) *Binary {
	t.Helper()
	x, err := b.Build(t.Context())
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return x
}

func TestBuild(t *testing.T) {
	t.Parallel()
	const lib = "-- ../lib/go.mod --\nmodule example.com/lib\n-- ../lib/lib.go --\npackage lib\n\nconst Hello = \"hello\\n\"\n"
	const usesLib = "-- main.go --\npackage main\n\nimport \"example.com/lib\"\n\nfunc main() { print(lib.Hello) }\n"
	tests := []struct {
		name    string
		archive string
		options Options
	}{
		{"plain", buildtest.Module + buildtest.Hello, Options{}},
		{"files without a module", buildtest.Hello, Options{Packages: []string{"main.go"}}},
		{"replaced", buildtest.Module + "require example.com/lib v0.0.0\nreplace example.com/lib => ../lib\n" + usesLib + lib, Options{}},
		{"workspace", buildtest.Module + "-- go.work --\ngo 1.25\nuse (\n\t.\n\t../lib\n)\n" + usesLib + lib, Options{}},
		{"cgo", buildtest.Module + "-- main.go --\npackage main\n\n// int f(void);\nimport \"C\"\n\nfunc main() { print(\"hell\", string(rune(C.f())), \"\\n\") }\n" +
			"-- f.c --\nint f(void) { return 'o'; }\n", Options{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.name == "cgo" {
				buildtest.NeedGCC(t)
			}
			b := builderIn(t, buildtest.Project(t, test.archive), test.options)
			x := mustBuild(t, b)
			if out := output(t, x); out != "hello\n" {
				t.Errorf("it prints %q", out)
			}
			if got := goBuildID(t, x.Path); x.ID == "" || x.ID != got {
				t.Errorf("ID %q, that of the go command %q", x.ID, got)
			}
			if x.Duration <= 0 || filepath.Dir(x.Path) != b.output {
				t.Errorf("took %v, in %s", x.Duration, x.Path)
			}
			if files := buildtest.List(t, b.output); !slices.Equal(files, []string{x.Path}) {
				t.Errorf("other files in the output directory: %q", files)
			}
		})
	}
}

func goBuildID(t *testing.T, file string) string {
	t.Helper()
	out, err := exec.Command("go", "tool", "buildid", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(string(out))
	return id[strings.LastIndex(id, "/")+1:]
}

func TestSameContent(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	main := filepath.Join(dir, "main.go")
	b := builderIn(t, dir, Options{})
	first := mustBuild(t, b)
	buildtest.Write(t, main, "package main\n\nfunc main() { println(\"hello\") } // a comment\n")
	commented := mustBuild(t, b)
	buildtest.Write(t, main, "package main\n\n\nfunc main() { println(\"hello\") }\n")
	shifted := mustBuild(t, b)
	if !first.SameContent(commented) {
		t.Errorf("a comment changes the program: %q, %q", first.ID, commented.ID)
	}
	if first.SameContent(shifted) {
		t.Error("the program with other line numbers is the same")
	}
	if first.Path == commented.Path || commented.Path == shifted.Path {
		t.Error("binaries share a name")
	}
	if err := first.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(first.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of the removed binary: %v", err)
	}
	if first.SameContent(nil) || (&Binary{}).SameContent(&Binary{}) {
		t.Error("programs without an ID are the same")
	}
}

func TestBuildNeverOverwrites(t *testing.T) {
	t.Parallel()
	dir, out := buildtest.Project(t, buildtest.Module+buildtest.Hello), t.TempDir()
	buildtest.Write(t, filepath.Join(out, "project-1"), "of another run")
	b := builderIn(t, dir, Options{Output: out})
	if first, second := b.nextOutput(), b.nextOutput(); first != filepath.Join(out, "project-2") || second != filepath.Join(out, "project-3") {
		t.Errorf("building %s and %s", first, second)
	}
}

func TestBuildOfALibrary(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	b := builderIn(t, dir, Options{})
	buildtest.Write(t, filepath.Join(dir, "main.go"), "package store\n")
	_, err := b.Build(t.Context())
	if not := new(NotMainError); !errors.As(err, &not) || not.Package != "." {
		t.Errorf("Build: %v, want a NotMainError", err)
	}
	if left := buildtest.List(t, b.output); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestBuildArgs(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	tests := []struct {
		name    string
		goflags string
		options Options
		want    string
	}{
		{"ours", "", Options{}, "build|-ldflags=-s -w|-pgo=off|-buildvcs=false|-o|OUT|."},
		{"other flags", "-mod=mod", Options{Flags: []string{"-tags", "ldflags", "-race"}}, "build|-ldflags=-s -w|-pgo=off|-buildvcs=false|-tags|ldflags|-race|-o|OUT|."},
		{"debug", "", Options{Debug: true, Flags: []string{"-race"}}, "build|-race|-o|OUT|."},
		{"the user's ldflags", "", Options{Flags: []string{"--ldflags", "-X main.v=1"}}, "build|-pgo=off|-buildvcs=false|--ldflags|-X main.v=1|-o|OUT|."},
		{"GOFLAGS", "-buildvcs '-ldflags=-X main.v=1'", Options{Flags: []string{"-pgo=auto"}}, "build|-pgo=auto|-o|OUT|."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Env = append(os.Environ(), "GOFLAGS="+test.goflags)
			if test.goflags == "" {
				test.options.Env = append(os.Environ(), "GOENV=off")
			}
			b := builderIn(t, dir, test.options)
			if got := strings.Join(b.project.BuildArgs("OUT", nil, nil), "|"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUserFlagsWin(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nvar v = \"ours\"\n\nfunc main() { println(v) }\n")
	for name, o := range map[string]Options{
		"flags":   {Flags: []string{"-ldflags=-X main.v=theirs -buildid="}},
		"GOFLAGS": {Env: append(os.Environ(), `GOFLAGS="-ldflags=-X main.v=theirs -buildid="`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := mustBuild(t, builderIn(t, dir, o))
			if out := output(t, x); out != "theirs\n" {
				t.Errorf("it prints %q", out)
			}
			if x.ID != "" || x.SameContent(x) {
				t.Errorf("ID %q of a program that has none", x.ID)
			}
		})
	}
}

func TestBuildInAMissingDirectory(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	b := builderIn(t, dir, Options{})
	buildtest.Move(t, dir, dir+".away")
	if _, err := b.Build(t.Context()); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), b.project.Go) {
		t.Errorf("got %v, want an error about the directory", err)
	}
}

// With -work, the go command prints the directory of its temporary files, and keeps them.
func TestTemporaryDirectory(t *testing.T) {
	t.Parallel()
	users, dir := t.TempDir(), buildtest.Project(t, buildtest.Module+buildtest.Hello)
	b := builderIn(t, dir, Options{Flags: []string{"-work"}, Env: append(os.Environ(), "GOTMPDIR="+users)})
	mustBuild(t, b)
	if len(buildtest.List(t, users)) == 0 || len(buildtest.List(t, b.output)) != 1 {
		t.Errorf("in GOTMPDIR: %q, in Output: %q", buildtest.List(t, users), buildtest.List(t, b.output))
	}
	b = builderIn(t, dir, Options{Flags: []string{"-work"}, Env: append(os.Environ(), "GOTMPDIR=")})
	_, stderr, err := b.project.Run(t.Context(), b.project.BuildArgs(b.nextOutput(), nil, nil)...)
	if err != nil || !strings.HasPrefix(stderr, "WORK="+b.output+"/") {
		t.Errorf("%v; the temporary directory is not in Output: %s", err, stderr)
	}
}

// The tools run with a higher GOGC, unless the user has set one.
func TestGarbageCollection(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	without := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOGC=") })
	for users, want := range map[string]string{"": "400", "GOGC=50": "50"} {
		told := filepath.Join(t.TempDir(), "told")
		env := append(slices.Clone(without), "TOLD="+told)
		if users != "" {
			env = append(env, users)
		}
		tool := buildtest.Script(t, "echo $GOGC >$TOLD; exec \"$@\"\n")
		b := builderIn(t, dir, Options{Flags: []string{"-toolexec=" + tool}, Env: env})
		mustBuild(t, b)
		if got, _ := os.ReadFile(told); strings.TrimSpace(string(got)) != want {
			t.Errorf("with %q the tools have GOGC=%s, want %s", users, got, want)
		}
	}
}

// stuck is a tool for -toolexec: a compiler that never exits and ignores an interrupt.
const stuck = "trap '' INT\nfor arg; do test \"$arg\" = -V=full && exec \"$@\"; done\n" +
	"echo $$ >>PIDS\nsleep 100 & sleep 100\n"

func TestBuildCancelled(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"tools that exit":                 strings.Replace(stuck, "trap '' INT\n", "", 1),
		"tools that ignore the interrupt": stuck,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, pids := buildtest.Project(t, buildtest.Module+buildtest.Hello), filepath.Join(t.TempDir(), "pids")
			tool := buildtest.Script(t, strings.Replace(lines, "PIDS", pids, 1))
			checkCancel(t, builderIn(t, dir, Options{Flags: []string{"-a", "-toolexec=" + tool}}), pids)
		})
	}
}

// A go command that ignores the interrupt, too, is killed after the grace period.
func TestBuildKilled(t *testing.T) {
	buildtest.Long(t)
	t.Parallel()
	pids, dir := filepath.Join(t.TempDir(), "pids"), buildtest.Project(t, buildtest.Module+buildtest.Hello)
	goCommand := buildtest.Script(t, "test $1 = build || exec go \"$@\"\ntrap '' INT\necho $$ >>"+pids+"\nsleep 100 & sleep 100\n")
	checkCancel(t, builderIn(t, dir, Options{Go: goCommand}), pids)
}

func checkCancel(t *testing.T, b *Builder, pids string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var pid int
	go func() {
		defer cancel()
		buildtest.Poll(func() bool {
			content, _ := os.ReadFile(pids)
			n, _ := fmt.Sscan(string(content), &pid)
			return n == 1
		})
	}()
	_, err := b.Build(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Build: %v, want context.Canceled", err)
	}
	if pid == 0 {
		t.Fatal("no tool was started")
	}
	content, _ := os.ReadFile(pids)
	for field := range strings.FieldsSeq(string(content)) {
		if _, err := fmt.Sscan(field, &pid); err != nil {
			t.Fatal(err)
		}
		if !buildtest.Poll(func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }) {
			t.Errorf("tool %d is still running", pid)
		}
	}
	if left := buildtest.List(t, b.output); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// An interrupted build leaves no files. The build can't finish before a late interrupt, since its
// linker never exits.
func TestBuildInterrupted(t *testing.T) {
	t.Parallel()
	tool := buildtest.Script(t, "case $1 in */link) test \"$2\" = -V=full || exec sleep 100;; esac\nexec \"$@\"\n")
	b := builderIn(t, buildtest.Project(t, buildtest.Module+buildtest.Hello), Options{Flags: []string{"-a", "-toolexec=" + tool}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		buildtest.Poll(func() bool {
			works, _ := filepath.Glob(filepath.Join(b.output, "tmp-*", "go-build*", "b*"))
			return len(works) > 0
		})
	}()
	if _, err := b.Build(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("Build: %v, want context.Canceled", err)
	}
	if left := buildtest.List(t, b.output); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestInheritsNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("open descriptors are listed in /proc/self/fd of Linux alone")
	}
	held, err := os.Open("/dev/zero") // must not be inherited
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	seen := filepath.Join(t.TempDir(), "seen")
	goCommand := buildtest.Script(t, fmt.Sprintf("for fd in /proc/$$/fd/*; do readlink $fd; done >%s\nexec go \"$@\"\n", seen))
	builderIn(t, buildtest.Project(t, buildtest.Module+buildtest.Hello), Options{Go: goCommand})
	content, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	open := strings.Fields(string(content))
	if !slices.Contains(open, "/dev/null") || slices.Contains(open, "/dev/zero") {
		t.Errorf("descriptors of the go command: %q", open)
	}
}

// Emacs locks a file by a dangling symbolic link, which the go command refuses to embed.
func TestBuildWaitsForALock(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Globs)
	lock := filepath.Join(dir, "static/.#page")
	if err := os.Symlink("me@host.1", lock); err != nil {
		t.Fatal(err)
	}
	_, err := builderIn(t, dir, Options{}).Build(t.Context())
	broken := new(BuildError)
	if !errors.As(err, &broken) || !slices.Contains(broken.Temporary, lock) {
		t.Errorf("%v; temporary files %q, want the lock", err, broken.Temporary)
	}
	// Build tries again if the lock is removed soon.
	removes := buildtest.Script(t, fmt.Sprintf("go \"$@\"; code=$?; [ \"$1\" != build ] || rm -f '%s'; exit $code\n", lock))
	mustBuild(t, builderIn(t, dir, Options{Go: removes}))
}

// A first build with an empty build cache: each report has more packages than the one before, and
// the last report has all of them.
func TestProgressOfAFirstBuild(t *testing.T) {
	buildtest.Long(t) // it compiles a part of the standard library
	dir := buildtest.Project(t, `
-- go.mod --
module example.com/app

go 1.25
-- main.go --
package main

import _ "net/http"

func main() {}
`)
	var mu sync.Mutex
	var reports []Progress
	b, err := New(t.Context(), Options{Dir: dir, Output: t.TempDir(), Env: append(os.Environ(), "GOCACHE="+t.TempDir()), Progress: func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, p)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(reports) < 10 {
		t.Fatalf("reports %v", reports)
	}
	for i, p := range reports[1:] {
		if p.Begun <= reports[i].Begun || p.Packages < reports[i].Packages {
			t.Errorf("%v after %v", p, reports[i])
		}
	}
	// Packages that began during the planning may be counted twice.
	if last := reports[len(reports)-1]; last.Begun < last.Packages-20 || last.Packages < 100 {
		t.Errorf("last report %v", last)
	}
}
