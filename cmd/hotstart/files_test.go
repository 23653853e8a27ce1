package main

import (
	"testing"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/session"
)

func TestFilesSkipHoards(t *testing.T) {
	f := files(&builder.Graph{}, mustChoose(t, session.Options{Watch: []string{"web/**/*.html"}, Ignore: []string{"web/old"}}))
	for dir, want := range map[string]bool{
		"/app/web/pages":        false,
		"/app/web/old":          true,
		"/app/web/node_modules": true,
		"/app/web/.git":         true,
		"/app/cmd":              true,
	} {
		if got := f.Skip(dir); got != want {
			t.Errorf("Skip(%q) = %v", dir, got)
		}
	}
}

func TestFilesOfABrokenModuleAreLookedForEverywhere(t *testing.T) {
	f := files(&builder.Graph{Trees: []string{"/app"}}, mustChoose(t, session.Options{}))
	for dir, want := range map[string]bool{"/app/cmd": false, "/app/node_modules": true, "/app/.git": true} {
		if got := f.Skip(dir); got != want {
			t.Errorf("Skip(%q) = %v", dir, got)
		}
	}
}

func mustChoose(t *testing.T, o session.Options) chosen {
	t.Helper()
	o.Dir = "/app"
	c, err := newChosen(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
