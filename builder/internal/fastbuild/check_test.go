package fastbuild

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
	"github.com/hotstart/hotstart/builder/internal/gotool"
	"github.com/hotstart/hotstart/builder/internal/graph"
)

// If the go command builds another program, or none, the go command makes all further builds.
func TestCheckFindsADifference(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("fast builds are only made on Linux")
	}
	failed := errors.New("failed")
	for name, check := range map[string]func(*Binary) (*Binary, error){
		"another program": func(x *Binary) (*Binary, error) { x.ID = "other"; return x, nil },
		"an error":        func(*Binary) (*Binary, error) { return nil, failed },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &gotool.Project{Dir: buildtest.Project(t, buildtest.Module+buildtest.Hello), Packages: []string{"."}}
			if err := p.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			out, files := t.TempDir(), 0
			o := Options{Enabled: true, Project: p, Dir: out}
			o.Output = func() string { files++; return filepath.Join(out, fmt.Sprint(files)) }
			o.GoBuild = func(ctx context.Context, in Inputs, idle bool) (*Binary, error) {
				x := &Binary{Path: o.Output(), ID: "an ID"}
				_, err := p.Build(ctx, p.BuildArgs(x.Path, in.Flags, in.Files), idle, nil)
				if idle {
					return check(x)
				}
				return x, err
			}
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			g, err := graph.NewLister(p).List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.SetGraph(g)
			build := func() *Binary {
				t.Helper()
				x, err := c.Build(t.Context(), Inputs{})
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
			build() // the go command's
			x := build()
			if !x.Fast {
				t.Fatal("not a fast build")
			}
			if other, err := c.Check(t.Context(), x.ID); (other == nil || other.ID != "other") && err != failed {
				t.Errorf("Check: %v, %v", other, err)
			}
			if build().Fast {
				t.Error("a fast build after that")
			}
		})
	}
}
