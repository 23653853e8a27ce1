package replay

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// compile returns a compile command of the go command, with more flags and files.
func compile(pkg string, more ...string) *command {
	return &command{
		Tool: "/go/compile", Dir: "/src", Package: pkg,
		Args: append([]string{"-o", "/w/b1/_pkg_.a", "-trimpath", "/w/b1=>", "-p", pkg, "-lang=go1.25", "-complete",
			"-buildid", "x/x", "-c=4", "-nolocalimports", "-importcfg", "/w/b1/importcfg", "-pack"}, more...),
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		more []string
		want string // joined by spaces; "" if the command is refused
	}{
		{"files", []string{"./a.go", "/other/b.go"}, "/src/a.go /other/b.go"},
		{"flags of the user", []string{"-N", "-l", "-race", "./a.go"}, "/src/a.go"},
		{"an embed configuration", []string{"-embedcfg", "/w/b1/embedcfg", "./a.go"}, "/src/a.go"},
		{"files for the assembler", []string{"-symabis", "/w/b1/symabis", "./a.go"}, ""},
		{"a header for the assembler", []string{"-asmhdr", "/w/b1/go_asm.h", "./a.go"}, ""},
		{"a file of cgo", []string{"./a.go", "/w/b1/_cgo_gotypes.go"}, ""},
		{"a profile", []string{"-pgoprofile=/w/b2/x", "./a.go"}, ""},
		{"coverage", []string{"-coveragecfg=/w/b1/x", "./a.go"}, ""},
		{"the standard library", []string{"-std", "./a.go"}, ""},
		{"an unknown flag", []string{"-new", "./a.go"}, ""},
		{"no files", nil, ""},
	} {
		files, err := compile("p", test.more...).sources()
		if got := strings.Join(files, " "); got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

func TestCheckLink(t *testing.T) {
	t.Parallel()
	link := func(flags ...string) *command {
		args := append([]string{"-o", "/w/b1/exe/a.out", "-importcfg", "/w/b1/importcfg.link"}, flags...)
		return &command{Dir: "/src", Args: append(args, "/w/b1/_pkg_.a")}
	}
	for _, test := range []struct {
		name  string
		flags []string
		ok    bool
	}{
		{"a program", []string{"-buildmode=exe", "-buildid=x", "-s", "-w", "-extld=gcc"}, true},
		{"a position-independent program", []string{"-buildmode=pie", "-buildid=x"}, true},
		{"a plugin", []string{"-pluginpath", "x", "-buildmode=plugin"}, false},
		{"a library", []string{"-buildmode=c-shared", "-buildid=x"}, false},
		{"shared libraries", []string{"-linkshared", "-buildmode=exe"}, false},
		{"a temporary file", []string{"-fipso", "/w/b1/fips.o", "-buildmode=exe"}, false},
		{"another temporary file", []string{"-x=/w/b1/y", "-buildmode=exe"}, false},
		{"no mode", []string{"-buildid=x", "-s"}, false},
	} {
		if err := link(test.flags...).checkLink(); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	stamped := link("-buildmode=exe", "-buildid=x")
	stamped.ImportConfig = `modinfo "build\tvcs.revision=1\n"` + "\n"
	if stamped.checkLink() == nil {
		t.Error("a version control stamp is accepted")
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	c := compile("p", "-embedcfg", "/w/b1/embedcfg", "-o", "./a.go")
	got := c.with(map[string]string{"-importcfg": "/new/cfg", "-embedcfg": "/new/embed", "-trimpath": "-o"})
	want := slices.Clone(c.Args)
	for from, to := range map[string]string{"/w/b1/importcfg": "/new/cfg", "/w/b1/embedcfg": "/new/embed", "/w/b1=>": "-o"} {
		want[slices.Index(want, from)] = to
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestImportConfig(t *testing.T) {
	t.Parallel()
	const config = "# import config\nimportmap a=v/a\npackagefile v/a=/c/1\npackagefile b=/c/2=x\nmodinfo \"packagefile\"\n"
	if got, want := archivesIn(config), map[string]string{"v/a": "/c/1", "b": "/c/2=x"}; !maps.Equal(got, want) {
		t.Errorf("archives %q, want %q", got, want)
	}
	got, err := withArchives(config, map[string]string{"v/a": "/n/1", "b": "/n/2", "c": "/n/3"})
	want := "# import config\nimportmap a=v/a\npackagefile v/a=/n/1\npackagefile b=/n/2\nmodinfo \"packagefile\"\n"
	if got != want || err != nil {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
	if got, err := withArchives(config, map[string]string{"v/a": "/n/1"}); err == nil {
		t.Errorf("no error for a package without an archive: %q", got)
	}
}

func TestLowest(t *testing.T) {
	t.Parallel()
	// main -> a -> b -> c, main -> d
	p := &Program{packages: map[string]*Package{
		"main": {imports: []string{"a", "d", "fmt"}},
		"a":    {imports: []string{"b"}},
		"b":    {imports: []string{"c"}},
		"c":    {},
		"d":    {imports: []string{"fmt"}},
	}}
	for _, test := range []struct{ pending, want string }{
		{"main", "main"},
		{"main a", "a"},
		{"main c", "c"},
		{"main d b", "b d"},
		{"d c", "c d"},
	} {
		pending := map[string]bool{}
		for path := range strings.FieldsSeq(test.pending) {
			pending[path] = true
		}
		if got := strings.Join(p.lowest(pending), " "); got != test.want {
			t.Errorf("of %s: %s, want %s", test.pending, got, test.want)
		}
	}
}

// archive compiles a package with this source.
func archive(t *testing.T, buildID, source string) string {
	t.Helper()
	dir := t.TempDir()
	file, out := filepath.Join(dir, "p.go"), filepath.Join(dir, "p.a")
	if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "tool", "compile", "-p", "p", "-pack", "-trimpath", dir, "-buildid", buildID, "-o", out, file)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return out
}

func TestExportData(t *testing.T) {
	t.Parallel()
	exports := func(buildID, source string) []byte {
		t.Helper()
		got, err := exportData(archive(t, buildID, source))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const loop = "package p\nfunc F(n int) (s int) { for i := range n { s += i; println(s) }; return }\n"
	first := exports("a/a", loop)
	if !bytes.Equal(first, exports("b/b", loop)) {
		t.Error("the build ID is part of the export data")
	}
	if !bytes.Equal(first, exports("a/a", loop+"func g() {}\n")) {
		t.Error("an unused function is part of the export data")
	}
	if bytes.Equal(first, exports("a/a", loop+"func G() {}\n")) {
		t.Error("a new function does not change the export data")
	}
	if bytes.Equal(exports("a/a", "package p\nfunc F() int { return 1 }\n"), exports("a/a", "package p\nfunc F() int { return 2 }\n")) {
		t.Error("the body of an inlined function is not part of the export data")
	}
}

// Only the build ID of an archive is not part of its hash.
func TestArchiveSum(t *testing.T) {
	t.Parallel()
	sum := func(buildID, source string) [32]byte {
		t.Helper()
		s, err := archiveSum(archive(t, buildID, source))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const source = "package p\n\nfunc F() int { return 1 }\n"
	first := sum("action/content", source)
	if sum("others/numbers", source) != first {
		t.Error("the build ID is part of the hash")
	}
	if sum("action/content", source+"// end\n") != first {
		t.Error("a comment at the end changes the hash")
	}
	for _, other := range []string{"package p\n\nfunc F() int { return 2 }\n", "package p\n\n\nfunc F() int { return 1 }\n", "package p\n\nfunc f() int { return 1 }\n"} {
		if sum("action/content", other) == first {
			t.Errorf("%q has the same hash", other)
		}
	}
}

func TestExportDataRefuses(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(archive(t, "a/a", "package p\n"))
	if err != nil {
		t.Fatal(err)
	}
	object := append([]byte("asm.o           0           0     0     644     2         `\n"), "xx"...)
	for name, content := range map[string][]byte{
		"a member of an assembler":      append(bytes.Clone(good), object...),
		"a truncated archive":           good[:len(good)-10],
		"another file":                  good[8:],
		"an empty file":                 nil,
		"another format of export data": bytes.Replace(good, []byte("\n$$B\n"), []byte("\n$$C\n"), 1),
	} {
		file := filepath.Join(t.TempDir(), "p.a")
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
		if got, err := exportData(file); err == nil {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
}

// stamp writes the same as the go command.
func TestStamp(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("programs are only stamped on Linux")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte("package main\nfunc main() {}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("a", 20) + "/" + strings.Repeat("b", 20) + "/" + strings.Repeat("c", 20) + "/" + strings.Repeat("a", 20)
	build := func(name, ldflags string) string {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-ldflags="+ldflags, "-o", out, filepath.Join(dir, "p.go"))
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		return out
	}
	ours, theirs := build("ours", "-buildid="+id), build("theirs", "-buildid="+id)
	field, err := stamp(ours, id)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("go", "tool", "buildid", "-w", theirs).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	got, _ := os.ReadFile(ours)
	want, _ := os.ReadFile(theirs)
	if len(got) == 0 || !bytes.Equal(got, want) || bytes.Contains(got, []byte(id)) {
		t.Error("the file differs from that of the go command")
	}
	if !bytes.Contains(got, []byte(id[:63]+field)) {
		t.Errorf("the file does not have the field %s", field)
	}
	none := build("none", "-buildid=")
	before, _ := os.ReadFile(none)
	if _, err := stamp(none, id); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadFile(none); !bytes.Equal(after, before) {
		t.Error("a program without a build ID was stamped")
	}
}
