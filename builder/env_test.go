package builder

import (
	"runtime"
	"slices"
	"testing"
)

func TestContext(t *testing.T) {
	t.Parallel()
	e := goEnv{GOOS: "plan9", GOARCH: "386", GOVERSION: "go1.3.4", CgoEnabled: "0", GOEXPERIMENT: "synctest"}
	c := e.context(parseFlags([]string{"-tags", "a,b c", "-race", "-compiler=gccgo"}))
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
	b := builderIn(t, project(t, gomod+hello), Options{})
	if e := b.env; e.GOOS != runtime.GOOS || e.GOROOT == "" || e.GOMODCACHE == "" || !e.hasModule() || e.hasWorkspace() {
		t.Errorf("%+v", e)
	}
}
