package fastbuild_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// A file that was not in the build when it was recorded enters the build, and is edited after
// that. Each step writes files, and its build is compared with that of the go command.
func TestFilesThatEnterTheBuild(t *testing.T) {
	t.Parallel()
	const embedder = buildtest.Module + "-- main.go --\npackage main\n\nimport \"embed\"\n\n//go:embed static\nvar files embed.FS\n\nfunc main() { println(files.Open) }\n" +
		"-- static/a.txt --\na\n"
	const tagged = buildtest.Module + "-- main.go --\npackage main\n\nfunc main() { println(text) }\n\nvar text string\n" +
		"-- other.go --\n//go:build never\n\npackage main\n\nfunc init() { text = \"one\" }\n"
	const linux = "package main\n\nfunc init() { text = "
	tests := []struct {
		name, archive string
		options       builder.Options
		steps         []map[string]string
	}{
		{"a file of an embedded folder", embedder, builder.Options{}, []map[string]string{
			{"static/n.txt": "one"}, {"static/n.txt": "two"}, {"static/n.txt": "three"}}},
		{"a file of a new folder below an embedded one", embedder, builder.Options{}, []map[string]string{
			{"static/deep/er/n.txt": "one"}, {"static/deep/er/n.txt": "two"}}},
		{"a file that returns", embedder, builder.Options{}, []map[string]string{
			{"static/n.txt": "one"}, {"static/n.txt": ""}, {"static/n.txt": "two"}, {"static/n.txt": "three"}}},
		{"a removed build constraint", tagged, builder.Options{}, []map[string]string{
			{"other.go": linux + "\"one\" }\n"}, {"other.go": linux + "\"two\" }\n"},
			{"other.go": "//go:build never\n\n" + linux + "\"two\" }\n"}, {"other.go": linux + "\"three\" }\n"}}},
	}
	if os.Getenv("HOTSTART_LONG") == "" {
		tests = tests[3:]
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, buildtest.Project(t, test.archive), test.options)
			for _, files := range test.steps {
				s.edit(files)
			}
		})
	}
}

// After a build and before its list, a directory is replaced by another one: the files in it are
// old, but are not those that were built.
func TestDirectoryThatIsReplacedBeforeTheList(t *testing.T) {
	t.Parallel()
	const low = "-- in/%s/low/low.go --\npackage low\n\nconst Text = %[1]q\n"
	dir := buildtest.Project(t, buildtest.Module+"-- main.go --\npackage main\n\nimport \"example.com/m/in/a/low\"\n\nfunc main() { println(low.Text) }\n"+
		fmt.Sprintf(low, "a")+fmt.Sprintf(low, "b"))
	b, plain := builderIn(t, dir, builder.Options{FastBuild: builder.FastBuildWhole}), builderIn(t, dir, builder.Options{})
	mustBuild(t, b)
	buildtest.Move(t, filepath.Join(dir, "in/a"), filepath.Join(dir, "in/c"))
	buildtest.Move(t, filepath.Join(dir, "in/b"), filepath.Join(dir, "in/a"))
	mustList(t, b)
	if x, want := mustBuild(t, b), mustBuild(t, plain); x.ID != want.ID {
		t.Errorf("not what the go command builds (fast: %v)", x.FastBuild)
	}
}

// A fast build does not embed a temporary file, and is not compared with one that does.
func TestFastBuildWithTemporaryFiles(t *testing.T) {
	t.Parallel()
	s := newSession(t, buildtest.Project(t, buildtest.Globs), builder.Options{})
	s.edit(map[string]string{"static/page": "2"})
	x := s.build()
	buildtest.Write(t, s.path("static/.page.swp"), "swap")
	if y := s.build(); y.ID != x.ID {
		t.Error("a swap file is embedded")
	}
	if other, _, err := s.b.Check(t.Context(), x); other != nil || err != nil {
		t.Errorf("Check: %v, %v", other, err)
	}
}
