package graph

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestFindIncludes(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, "-- p/a.c --\n#include \"own.h\"\n  #  include \"../up/one.h\"\n#include <stdio.h>\n#include <two.h>\n"+
		"-- p/own.h --\n#import \"sub/three.h\"\n-- p/sub/three.h --\n#include \"four.h\"\n#include \"../a.c\"\n-- p/sub/four.h --\n"+
		"-- p/x.go --\npackage p\n\n// #include \"five/5.h\"\nimport \"C\"\n-- p/plain.go --\npackage p\n\n// #include \"never.h\"\n"+
		"-- p/f.s --\n#include \"textflag.h\"\n#include \"asm/six.h\"\n-- p/asm/six.h --\n-- p/five/5.h --\n"+
		"-- up/one.h --\n-- inc/two.h --\n-- first/none --\n")
	p := filepath.Join(dir, "p")
	var sources []string
	for _, name := range []string{"a.c", "own.h", "x.go", "plain.go", "f.s", "static/embedded.txt"} {
		sources = append(sources, filepath.Join(p, name))
	}
	flags := []string{"-O2", "-I", "../first", "-I" + filepath.Join(dir, "inc"), "-I/usr/include"}
	// Missing files that would take precedence are in the list, and missing files in the directories
	// of the modules.
	want := "first/stdio.h first/textflag.h first/two.h inc/stdio.h inc/textflag.h inc/two.h p/asm/six.h p/five/5.h p/sub/four.h p/sub/three.h up/one.h"
	if got := relativeAll(dir, findIncludes(p, sources, flags, []string{dir})); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A symbolic link may lead to another one, and each of them may change.
func TestListFollowsEachLink(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+buildtest.Hello+"-- ../a/x.go --\npackage main\n-- ../b/none --\n")
	for name, target := range map[string]string{"x.go": "../b/x.go", "../b/x.go": "../a/x.go"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	g := mustList(t, listerIn(t, dir, project{}))
	if got, want := sources(dir, g), "../a/x.go ../b/x.go go.mod main.go x.go"; got != want {
		t.Errorf("files %q, want %q", got, want)
	}
}
