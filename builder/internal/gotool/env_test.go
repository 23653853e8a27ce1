package gotool

import (
	"runtime"
	"slices"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestBuildContext(t *testing.T) {
	t.Parallel()
	e := Env{GOOS: "plan9", GOARCH: "386", GOVERSION: "go1.3.4", CgoEnabled: "0", GOEXPERIMENT: "synctest"}
	c := e.BuildContext(ParseFlags([]string{"-tags", "a,b c", "-race", "-compiler=gccgo"}))
	if c.GOOS != "plan9" || c.GOARCH != "386" || c.CgoEnabled || c.Compiler != "gccgo" {
		t.Errorf("%+v", c)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(c.BuildTags, want) {
		t.Errorf("tags %q, want %q", c.BuildTags, want)
	}
	if want := []string{"go1.1", "go1.2", "go1.3"}; !slices.Equal(c.ReleaseTags, want) {
		t.Errorf("release tags %q, want %q", c.ReleaseTags, want)
	}
	if !slices.Contains(c.ToolTags, "race") || !slices.Contains(c.ToolTags, "goexperiment.synctest") {
		t.Errorf("tool tags %q", c.ToolTags)
	}
}

func TestReleaseTags(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]int{"go1.25": 25, "go1.25.3": 25, "go1.26rc1": 26, "devel go1.27-abc123": 27, "go2": 0, "": 0, "devel": 0} {
		if got := len(releaseTags(version)); got != want {
			t.Errorf("%q: %d, want %d", version, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	p := &Project{Dir: buildtest.Project(t, buildtest.Module+buildtest.Hello)}
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := p.Env; e.GOOS != runtime.GOOS || e.GOROOT == "" || e.GOMODCACHE == "" || !e.HasModule() || e.HasWorkspace() {
		t.Errorf("%+v", e)
	}
}
