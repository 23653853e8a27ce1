package main

import (
	"testing"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/watcher"
)

func TestFilesSkipHoards(t *testing.T) {
	p, err := watcher.NewPatterns("/app", []string{"web/**/*.html"}, []string{"web/old"})
	if err != nil {
		t.Fatal(err)
	}
	f := files(&builder.Graph{}, p)
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
	p, err := watcher.NewPatterns("/app", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := files(&builder.Graph{Trees: []string{"/app"}}, p)
	for dir, want := range map[string]bool{"/app/cmd": false, "/app/node_modules": true, "/app/.git": true} {
		if got := f.Skip(dir); got != want {
			t.Errorf("Skip(%q) = %v", dir, got)
		}
	}
}
