package builder

import (
	"fmt"
	"path/filepath"
	"testing"
)

// A file that was not in the build when it was recorded comes into it, and is edited then. Each
// step writes files (a name that ends in a slash and its content move a folder), and each is
// compared with what the go command builds.
func TestFilesThatComeIntoTheBuild(t *testing.T) {
	t.Parallel()
	const embedder = gomod + "-- main.go --\npackage main\n\nimport \"embed\"\n\n//go:embed static\nvar files embed.FS\n\nfunc main() { println(files.Open) }\n" +
		"-- static/a.txt --\na\n"
	const tagged = gomod + "-- main.go --\npackage main\n\nfunc main() { println(text) }\n\nvar text string\n" +
		"-- other.go --\n//go:build never\n\npackage main\n\nfunc init() { text = \"one\" }\n"
	const linux = "package main\n\nfunc init() { text = "
	for _, test := range []struct {
		name, archive string
		options       Options
		steps         []map[string]string
	}{
		{"a file of an embedded folder", embedder, Options{}, []map[string]string{
			{"static/n.txt": "one"}, {"static/n.txt": "two"}, {"static/n.txt": "three"}}},
		{"a file of a new folder below an embedded one", embedder, Options{}, []map[string]string{
			{"static/deep/er/n.txt": "one"}, {"static/deep/er/n.txt": "two"}}},
		{"a file that comes back", embedder, Options{}, []map[string]string{
			{"static/n.txt": "one"}, {"static/n.txt": ""}, {"static/n.txt": "two"}, {"static/n.txt": "three"}}},
		{"a build constraint that is taken away", tagged, Options{}, []map[string]string{
			{"other.go": linux + "\"one\" }\n"}, {"other.go": linux + "\"two\" }\n"},
			{"other.go": "//go:build never\n\n" + linux + "\"two\" }\n"}, {"other.go": linux + "\"three\" }\n"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSession(t, project(t, test.archive), test.options)
			for _, files := range test.steps {
				s.edit(files)
			}
		})
	}
}

// A folder is moved into the place of another after a build and before its list: the files in
// it, old ones, are not those that were built.
func TestFolderThatIsMovedBeforeTheList(t *testing.T) {
	t.Parallel()
	const low = "-- in/%s/low/low.go --\npackage low\n\nconst Text = %[1]q\n"
	dir := project(t, gomod+"-- main.go --\npackage main\n\nimport \"example.com/m/in/a/low\"\n\nfunc main() { println(low.Text) }\n"+
		fmt.Sprintf(low, "a")+fmt.Sprintf(low, "b"))
	b, plain := builderIn(t, dir, Options{FastBuild: true}), builderIn(t, dir, Options{})
	mustBuild(t, b)
	move(t, filepath.Join(dir, "in/a"), filepath.Join(dir, "in/c"))
	move(t, filepath.Join(dir, "in/b"), filepath.Join(dir, "in/a"))
	mustList(t, b)
	if x, want := mustBuild(t, b), mustBuild(t, plain); x.ID != want.ID {
		t.Errorf("not what the go command builds (direct: %v)", x.FastBuild)
	}
}

// A file that is moved in with its folder while the list runs may not be the one that it read.
func TestListKnowsNoMovedFile(t *testing.T) {
	t.Parallel()
	dir := project(t, gomod+"-- main.go --\npackage main\n\nimport _ \"example.com/m/in/a/low\"\n\nfunc main() {}\n"+
		"-- in/a/low/low.go --\npackage low\n-- in/b/low/low.go --\npackage low\n\nimport _ \"fmt\"\n")
	swap := script(t, fmt.Sprintf(`case "$*" in *" -deps "*) go "$@"; code=$?; mv %[1]s/in/a %[1]s/in/c; mv %[1]s/in/b %[1]s/in/a; exit $code;; esac
exec go "$@"
`, dir))
	g := mustList(t, builderIn(t, dir, Options{Go: swap}))
	if low := filepath.Join(dir, "in/a/low/low.go"); !g.Outdated([]string{low}) {
		t.Error("what the list read is not there, and it is not outdated")
	}
}
