package delta

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/fastbuild/linktool"
)

// Some tests of this package with other Go releases, which the go command downloads.
// With HOTSTART_EDITS it is all tests, with each release that is supported.
func TestReleases(t *testing.T) {
	buildtest.Long(t)
	releases, tests := []string{"go1.26.0", "go1.27.4"}, "^Test(Link|Types|SameItabs|Linkname|Verify)$"
	if os.Getenv("HOTSTART_EDITS") != "" {
		releases, tests = slices.Sorted(maps.Values(tested)), "."
	}
	for _, release := range releases {
		t.Run(release, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run="+tests, "-test.skip=Releases")
			cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+release, "HOTSTART_LONG=1")
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), linktool.ErrUntested.Error()) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

//go:embed testdata/types.go.txt
var typesProgram string

// The types that reflection makes, the method tables that the runtime makes, and
// what the garbage collector knows about stacks are the same in both modules.
func TestTypes(t *testing.T) {
	p := newProject(t, buildtest.Module+"-- main.go --\n"+typesProgram)
	p.warm()
	p.edit("main.go", "type inner struct{ A, B int }", "type inner struct {\n\tA, B int\n\tC *string\n}")
	p.edit("main.go", "fmt.Println(f(),", "fmt.Println(\"edited\", f(),")
	for _, edit := range []string{"inner{n, i}", "inner{1, 2}", "inner{7, 8}"} {
		p.edit("main.go", edit, strings.Replace(edit, "}", ", nil}", 1))
	}
	got, err := p.link()
	if err != nil {
		t.Fatal(err)
	}
	if want := p.ordinary(); got != want {
		t.Errorf("the program prints\n%s\nwant\n%s", got, want)
	}
}

// Main uses types of a package that is not edited as interfaces of that package.
// Both modules have the tables for that, more than the runtime has room for at first.
func TestSameItabs(t *testing.T) {
	buildtest.Long(t)
	const interfaces = 300
	var cold, main bytes.Buffer
	cold.WriteString("package cold\n")
	main.WriteString("package main\n\nimport \"example.com/m/cold\"\n\n//go:noinline\nfunc hide(v any) any { return v }\n\nfunc main() {\n")
	for _, typ := range []string{"T", "U"} {
		fmt.Fprintf(&cold, "\ntype %s struct{ N int }\n\nfunc (%[1]s) A() {}\nfunc (%[1]s) B() {}\n", typ)
		for i := range interfaces {
			fmt.Fprintf(&main, "\tif a, ok := hide(cold.%s{}).(cold.I%d); !ok || cold.I%[2]d(cold.%[1]s{}) != a {\n\t\tprintln(\"%[1]s I%[2]d\")\n\t}\n", typ, i)
		}
	}
	for i := range interfaces {
		fmt.Fprintf(&cold, "\ntype I%d interface{ %c() }\n", i, 'A'+i%2)
	}
	main.WriteString("\tprintln(\"first\")\n}\n")
	p := newProject(t, buildtest.Module+"-- main.go --\n"+main.String()+"-- cold/cold.go --\n"+cold.String())
	p.warm()
	p.edit("main.go", `"first"`, `"second"`)
	p.mustPrint("second\n")
}

// A linkname that the ordinary linker refuses is refused: of a Go function, a
// variable, and since Go 1.27 an assembly function. One that the standard library allows is not.
func TestLinkname(t *testing.T) {
	buildtest.Long(t)
	p := newProject(t, buildtest.Module+"-- main.go --\npackage main\n\nimport \"math\"\n\nfunc main() { println(math.Floor(1.5)) }\n")
	p.warm()
	allowed := 0
	for _, declaration := range []string{
		"runtime.nanotime\nfunc pulled() int64", "runtime.gcStart\nfunc pulled()",
		"math.archFloor\nfunc pulled(float64) float64", "runtime.finq\nvar pulled uintptr",
	} {
		buildtest.Write(t, filepath.Join(p.dir, "pull.go"), "package main\n\nimport _ \"unsafe\"\n\n//go:linkname pulled "+declaration+"\n\nvar Use = &use\n\nvar use = pulled\n")
		_, err := p.link()
		_, ordinaryErr := p.linkOrdinary()
		if ordinaryErr != nil && err == nil {
			t.Errorf("%q is linked, but the ordinary linker reports %v", declaration, ordinaryErr)
		}
		if err == nil {
			allowed++
		}
		t.Logf("%q: %v; %v", declaration, err, ordinaryErr)
	}
	if allowed == 0 {
		t.Error("no linkname is linked")
	}
}
