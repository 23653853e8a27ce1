package fastbuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/graph"
)

// newCache returns a Cache for the program in a directory, and a function that builds it. linkers
// is a directory for fast linkers, or "". check may change what the go command builds in a check.
func newCache(t *testing.T, dir, linkers string, check func(*Binary) (*Binary, error)) (*Cache, func() *Binary) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("fast builds are only made on Linux")
	}
	p := &gotool.Project{Dir: dir, Packages: []string{"."}}
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, files := t.TempDir(), 0
	o := Options{Enabled: true, Delta: true, Linkers: linkers, Project: p, Dir: out}
	o.Output = func() string { files++; return filepath.Join(out, fmt.Sprint(files)) }
	o.GoBuild = func(ctx context.Context, in Inputs, idle bool) (*Binary, error) {
		x := &Binary{Path: o.Output()}
		_, err := p.Build(ctx, p.BuildArgs(x.Path, in.Flags, in.Files), idle, nil)
		if err == nil {
			x.ID, err = gotool.ContentID(x.Path)
		}
		if err == nil && idle {
			return check(x)
		}
		return x, err
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	g, err := graph.NewLister(p).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.SetGraph(g)
	return c, func() *Binary {
		t.Helper()
		x, err := c.Build(t.Context(), Inputs{})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

func unchanged(x *Binary) (*Binary, error) { return x, nil }

// If the go command builds another program, or none, the go command makes all further builds.
func TestCheckFindsADifference(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	for name, check := range map[string]func(*Binary) (*Binary, error){
		"another program": func(x *Binary) (*Binary, error) { x.ID = "other"; return x, nil },
		"an error":        func(*Binary) (*Binary, error) { return nil, failed },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, build := newCache(t, buildtest.Project(t, buildtest.Module+buildtest.Hello), "", check)
			build() // the go command's
			x := build()
			if !x.Fast {
				t.Fatal("not a fast build")
			}
			if other, _, err := c.Check(t.Context(), x.ID); (other == nil || other.ID != "other") && err != failed {
				t.Errorf("Check: %v, %v", other, err)
			}
			if build().Fast {
				t.Error("a fast build after that")
			}
		})
	}
}

// A program that is linked by delta is checked by the archives that it was linked from.
func TestArchivesAreChecked(t *testing.T) {
	t.Parallel()
	const program = buildtest.Module + "-- main.go --\npackage main\n\nimport \"example.com/m/lib\"\n\nfunc main() { println(lib.Name()) }\n-- lib/lib.go --\n"
	const lib = "package lib\n\nfunc Name() string { return \"%s\" }\n"
	dir := buildtest.Project(t, program+fmt.Sprintf(lib, "first"))
	c, build := newCache(t, dir, "", unchanged)
	build()
	buildtest.Write(t, filepath.Join(dir, "lib/lib.go"), fmt.Sprintf(lib, "second"))
	if x := build(); !x.Fast {
		t.Fatal("not a fast build")
	}
	_, last, _ := c.state()
	if binary, err := c.verifyDelta(t.Context(), last); errors.Is(err, errOther) || binary == nil {
		t.Errorf("the same program: %v, %v", binary, err)
	}
	buildtest.Write(t, filepath.Join(dir, "lib/lib.go"), fmt.Sprintf(lib, "third"))
	if binary, err := c.verifyDelta(t.Context(), last); !errors.Is(err, errOther) || binary == nil || !strings.Contains(err.Error(), "was compiled differently") {
		t.Errorf("another program: %v, %v", binary, err)
	}
}

// The ordinary linker links the last fast build again, and no other one.
func TestRelink(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	c, build := newCache(t, dir, "", unchanged)
	build()
	old := build()
	if again, err := c.Relink(t.Context(), old.ID); err != nil || again == nil || again.ID != old.ID || again.Path == old.Path || again.LinkedBy != Ordinary {
		t.Errorf("relinked %+v, %v; want the content of %+v", again, err, old)
	}
	buildtest.Write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(1) }\n")
	if x := build(); !x.Fast {
		t.Fatal("not a fast build")
	}
	if again, err := c.Relink(t.Context(), old.ID); err != nil || again != nil {
		t.Errorf("after a newer build: %+v, %v", again, err)
	}
}

// makeBase builds a program and the base for its next edit.
func makeBase(t *testing.T, c *Cache, build func() *Binary) {
	t.Helper()
	build()
	if _, _, err := c.Check(t.Context(), build().ID); err != nil {
		t.Fatal(err)
	}
	if ready, reason, disabled := c.NextLink(); !ready {
		t.Skipf("no delta linker for this Go release: %v, %v", reason, disabled)
	}
}

// reasonOf returns why the last edit was not linked by delta.
func reasonOf(c *Cache) error { _, reason, _ := c.NextLink(); return reason }

func TestDelta(t *testing.T) {
	t.Parallel()
	linkers := filepath.Join(t.TempDir(), "linkers")
	t.Run("right", func(t *testing.T) { testRightDelta(t, linkers) })
	t.Run("wrong", func(t *testing.T) { testWrongDelta(t, linkers) })
	t.Run("second edit", func(t *testing.T) { testSecondEdit(t, linkers) })
	t.Run("not compared", func(t *testing.T) { testNotCompared(t, linkers) })
}

// A check whose build was not recorded, for example because the disk is full, proves nothing.
func testNotCompared(t *testing.T, linkers string) {
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	c, build := newCache(t, dir, linkers, unchanged)
	makeBase(t, c, build)
	buildtest.Write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(\"edited\") }\n")
	x, goBuild := build(), c.GoBuild
	c.GoBuild = func(ctx context.Context, in Inputs, idle bool) (*Binary, error) {
		b, err := goBuild(ctx, in, idle)
		recorded, _ := filepath.Glob(filepath.Join(c.dir, "record-*", "link-*.json"))
		if len(recorded) == 0 {
			t.Error("the link was not recorded")
		}
		for _, file := range recorded {
			_ = os.Remove(file)
		}
		return b, err
	}
	if other, same, err := c.Check(t.Context(), x.ID); other != nil || same || err != nil {
		t.Errorf("Check: %+v, %v, %v", other, same, err)
	}
	buildtest.Write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(\"again\") }\n")
	if x := build(); x.LinkedBy != Delta {
		t.Errorf("after that: linked by the %s: %v", x.LinkedBy, reasonOf(c))
	}
}

// The go command makes the first build after an edit of a package that was in the build cache. The second
// edit is linked by delta.
func testSecondEdit(t *testing.T, linkers string) {
	const program = buildtest.Module + "-- main.go --\npackage main\n\nimport \"example.com/m/above\"\n\nfunc main() { println(above.Name()) }\n" +
		"-- above/above.go --\npackage above\n\nimport \"example.com/m/lib\"\n\n//go:noinline\nfunc Name() string { return lib.Name() }\n-- lib/lib.go --\n"
	const lib = "package lib\n\n//go:noinline\nfunc Name() string { return \"%s\" }\n"
	dir := buildtest.Project(t, program+fmt.Sprintf(lib, "first"))
	if out, err := exec.Command("go", "build", "-C", dir, "-o", t.TempDir(), ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c, build := newCache(t, dir, linkers, unchanged)
	build()
	for i, text := range []string{"second", "third"} {
		buildtest.Write(t, filepath.Join(dir, "lib/lib.go"), fmt.Sprintf(lib, text))
		x := build()
		if i == 0 {
			if x.Fast || !x.Recorded {
				t.Fatalf("the first build is %+v", x)
			}
			if _, _, err := c.Check(t.Context(), x.ID); err != nil {
				t.Fatal(err)
			}
		} else if x.LinkedBy != Delta {
			t.Errorf("linked by the %s: %v", x.LinkedBy, reasonOf(c))
		}
	}
}

// A program that is linked by delta runs, passes the check, and can be linked again. A build of
// the same code is the same program.
func testRightDelta(t *testing.T, linkers string) {
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	c, build := newCache(t, dir, linkers, unchanged)
	makeBase(t, c, build)
	run := func(x *Binary) string {
		t.Helper()
		out, err := exec.Command(x.Path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	const edited = "package main\n\nfunc main() { println(\"edited\") }\n"
	buildtest.Write(t, filepath.Join(dir, "main.go"), edited)
	first := build()
	if said := run(first); first.LinkedBy != Delta || said != "edited\n" {
		t.Fatalf("linked by the %s, and says %q: %v", first.LinkedBy, said, reasonOf(c))
	}
	if other, same, err := c.Check(t.Context(), first.ID); other != nil || !same || err != nil {
		t.Errorf("Check: %+v, %v, %v", other, same, err)
	}
	_, last, _ := c.state()
	if err := last.program.Verify(t.Context(), c.linker); err != nil {
		t.Errorf("Verify: %v", err)
	}
	buildtest.Write(t, filepath.Join(dir, "main.go"), edited+"// The end.\n")
	same := build()
	if same.LinkedBy != Delta || same.ID != first.ID {
		t.Errorf("after a comment: linked by the %s, ID %s; want %s", same.LinkedBy, same.ID, first.ID)
	}
	if err := os.Remove(same.Path); err != nil { // as the session does
		t.Fatal(err)
	}
	if other, verified, err := c.Check(t.Context(), same.ID); other != nil || !verified || err != nil {
		t.Errorf("Check after a comment: %+v, %v, %v", other, verified, err)
	}
	if ready, reason, _ := c.NextLink(); !ready {
		t.Errorf("after a comment: %v", reason)
	}
	whole, err := c.Relink(t.Context(), same.ID)
	if err != nil || whole == nil || whole.LinkedBy != Ordinary || run(whole) != "edited\n" {
		t.Fatalf("Relink: %+v, %v", whole, err)
	}
	if other, same, err := c.Check(t.Context(), whole.ID); other != nil || !same || err != nil {
		t.Errorf("Check after Relink: %+v, %v, %v", other, same, err)
	}
	c.DistrustDelta(errors.New("a reason"))
	buildtest.Write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { println(\"again\") }\n")
	if x := build(); x.LinkedBy == Delta || !x.Fast || run(x) != "again\n" {
		t.Errorf("without delta: %+v", x)
	}
	if ready, reason, _ := c.NextLink(); ready || reason.Error() != "a reason" {
		t.Errorf("ready: %v, %v", ready, reason)
	}
}

// A binary whose link by delta was wrong is replaced by that of the go command. Further fast builds are
// linked as a whole.
func testWrongDelta(t *testing.T, linkers string) {
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello)
	c, build := newCache(t, dir, linkers, unchanged)
	makeBase(t, c, build)
	const edited = "package main\n\nfunc main() { println(\"another text\") }\n"
	buildtest.Write(t, filepath.Join(dir, "main.go"), edited)
	x := build()
	if x.LinkedBy != Delta {
		t.Fatalf("linked by the %s: %v", x.LinkedBy, reasonOf(c))
	}
	content, err := os.ReadFile(x.Path)
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Replace(content, []byte("another text"), []byte("Another text"), 1)
	if bytes.Equal(content, wrong) {
		t.Fatal("the file does not contain the text")
	}
	if err := os.WriteFile(x.Path, wrong, 0o700); err != nil {
		t.Fatal(err)
	}
	other, same, err := c.Check(t.Context(), x.ID)
	if err != nil || same || other == nil || other.WrongDelta == nil || other.LinkedBy == Delta {
		t.Fatalf("Check: %+v, %v", other, err)
	}
	buildtest.Write(t, filepath.Join(dir, "main.go"), edited+"\nfunc init() { println(1) }\n")
	if x := build(); !x.Fast || x.LinkedBy == Delta {
		t.Errorf("after that: %+v", x)
	}
}
