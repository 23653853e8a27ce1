package builder

import (
	"os"
	"strings"
	"sync"
	"testing"
)

func TestProgressTakesNamesOut(t *testing.T) {
	var rest strings.Builder
	var told []Progress
	p := &progress{rest: &rest, tell: func(x Progress) { told = append(told, x) }, total: 2}
	for _, part := range []string{"example.com/a", "pp/lib\nerrors\n# example.com/app\n./main.go:1:", "2: undefined: x\nexample.com/app\nno end"} {
		p.Write([]byte(part))
	}
	p.close()
	if want := "# example.com/app\n./main.go:1:2: undefined: x\nno end"; rest.String() != want {
		t.Errorf("the rest is %q, want %q", rest.String(), want)
	}
	if len(told) != 3 || told[1] != (Progress{2, 2}) || told[2] != (Progress{3, 3}) {
		t.Errorf("told %v", told)
	}
}

func TestPlanned(t *testing.T) {
	said := "mkdir -p $WORK/b006/\n\n#\n# internal/goarch\n#\n\necho '# import config'\n# no header\n#\n# internal/goarch\n#\n#\n# main\n#\n"
	if n := planned(said); n != 2 {
		t.Errorf("%d packages", n)
	}
}

// A first build, with nothing in the cache: each step leads nearer to the
// end, and the end is what was said.
func TestProgressOfAFirstBuild(t *testing.T) {
	if os.Getenv("HOTSTART_LONG") == "" {
		t.Skip("set HOTSTART_LONG=1: it compiles a part of the standard library")
	}
	dir := project(t, `
-- go.mod --
module example.com/app

go 1.25
-- main.go --
package main

import _ "net/http"

func main() {}
`)
	var mu sync.Mutex
	var told []Progress
	b, err := New(t.Context(), Options{Dir: dir, Output: t.TempDir(), Env: append(os.Environ(), "GOCACHE="+t.TempDir()), Progress: func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, p)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Build(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(told) < 10 {
		t.Fatalf("told %v", told)
	}
	for i, p := range told[1:] {
		if p.Begun <= told[i].Begun || p.Packages < told[i].Packages {
			t.Errorf("%v after %v", p, told[i])
		}
	}
	// Those that were begun while it was planned may have been counted twice.
	if last := told[len(told)-1]; last.Begun < last.Packages-20 || last.Packages < 100 {
		t.Errorf("at the end %v", last)
	}
}
