package graph

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestReadModFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "go.mod")
	buildtest.Write(t, file, `// a comment
module "example.com/m" // another
go 1.25
use ./a
use (
	"./b c" // here
	../d
)
replace example.com/x v1.0.0 => ../x
replace (
	example.com/y	=>	/y
	example.com/z => example.com/other v1.2.3
)
require ( // never closed
	example.com/x v1.0.0
`)
	want := modFile{
		module:   "example.com/m",
		uses:     []string{"./a", "./b c", "../d"},
		replaced: []Module{{"example.com/x", "../x"}, {"example.com/y", "/y"}},
	}
	if got := readModFile(file); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := readModFile(file + ".none"); !reflect.DeepEqual(got, modFile{}) {
		t.Errorf("of no file: %q", got)
	}
}

func TestPackageDir(t *testing.T) {
	t.Parallel()
	m := Modules{
		Main:     []Module{{"example.com/m", "/m"}, {"", "/unknown"}},
		replaced: []Module{{"example.com/m/sub", "/sub"}},
	}
	for path, want := range map[string]string{
		"example.com/m":        "/m",
		"example.com/m/a/b":    "/m/a/b",
		"example.com/m/sub":    "/sub",
		"example.com/m/sub/a":  "/sub/a",
		"example.com/m/subway": "/m/subway",
		"example.com/me":       "",
		"fmt":                  "",
	} {
		if got := m.PackageDir(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
