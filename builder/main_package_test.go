package builder

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

func TestNewErrorTypes(t *testing.T) {
	t.Parallel()
	dir := buildtest.Project(t, buildtest.Module+"-- cmd/a/main.go --\npackage main\n-- cmd/b/main.go --\npackage main\n-- lib/l.go --\npackage lib\n")
	_, err := tryBuilder(t, dir, Options{})
	if choice := new(ChoiceError); !errors.As(err, &choice) || strings.Join(choice.Mains, " ") != "./cmd/a ./cmd/b" {
		t.Errorf("error %#v, want a ChoiceError of two", err)
	}
	_, err = tryBuilder(t, dir, Options{Packages: []string{"./lib"}})
	if not := new(NotMainError); !errors.As(err, &not) || not.Name != "lib" || not.Package != "./lib" || len(not.Mains) != 2 {
		t.Errorf("error %#v, want a NotMainError for lib", err)
	}
}

func TestPackage(t *testing.T) {
	t.Parallel()
	const cmd = "-- cmd/api/main.go --\npackage main\n"
	dev := "-- main.go --\n//go:build dev\n\npackage main\n-- lib.go --\n//go:build !dev\n\npackage lib\n"
	tests := []struct {
		name     string
		archive  string
		options  Options
		packages string
		program  string
	}{
		{"the package in Dir", buildtest.Module + buildtest.Hello + cmd, Options{}, ".", "project"},
		{"the only one below cmd", buildtest.Module + cmd + "-- cmd/lib/lib.go --\npackage lib\n", Options{}, "./cmd/api", "api"},
		{"by a tag", buildtest.Module + dev + cmd, Options{Flags: []string{"-tags", "dev"}}, ".", "project"},
		{"not without its tag", buildtest.Module + dev + cmd, Options{}, "./cmd/api", "api"},
		{"by a tag of GOFLAGS", buildtest.Module + dev + cmd, Options{Env: append(os.Environ(), "GOFLAGS=-tags=dev")}, ".", "project"},
		{"named", buildtest.Module + buildtest.Hello + cmd, Options{Packages: []string{"./cmd/api"}}, "./cmd/api", "api"},
		{"named without a dot", buildtest.Module + buildtest.Hello + cmd, Options{Packages: []string{"cmd/api"}}, "./cmd/api", "api"},
		{"by import path", buildtest.Module + cmd, Options{Packages: []string{"example.com/m/cmd/api"}}, "example.com/m/cmd/api", "api"},
		{"unknown import path", buildtest.Module + buildtest.Hello, Options{Packages: []string{"example.com/other/x"}}, "example.com/other/x", "x"},
		{"dots", buildtest.Module + cmd, Options{Packages: []string{"./..."}}, "./cmd/api", "api"},
		{"files", buildtest.Module + buildtest.Hello + "-- b.go --\npackage main\n", Options{Packages: []string{"main.go", "b.go"}}, "main.go b.go", "main"},
		{"files without a module", buildtest.Hello, Options{Packages: []string{"main.go"}}, "main.go", "main"},
		{"two packages in one directory", buildtest.Module + "-- a.go --\npackage a\n-- main.go --\npackage main\n",
			Options{Packages: []string{"."}}, ".", "project"},
		{"an empty directory", buildtest.Module + "-- x/README --\n", Options{Packages: []string{"./x"}}, "./x", "x"},
		{"a workspace", "-- go.work --\ngo 1.25\nuse ./a\n-- a/go.mod --\nmodule example.com/a\n-- a/main.go --\npackage main\n",
			Options{Packages: []string{"example.com/a"}}, "example.com/a", "a"},
		{"a syntax error in the only file", buildtest.Module + "-- main.go --\npakage main\n", Options{}, ".", "project"},
		{"a syntax error next to cmd", buildtest.Module + "-- x.go --\npakage x\n" + cmd, Options{}, "./cmd/api", "api"},
		{"an import path without a directory", buildtest.Module + buildtest.Hello, Options{Packages: []string{"example.com/m/nope"}}, "example.com/m/nope", "nope"},
		{"a broken go.mod", "-- go.mod --\nrequire (\n" + buildtest.Hello, Options{}, ".", "project"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := builderIn(t, buildtest.Project(t, test.archive), test.options)
			if b.Package() != test.packages || b.name != test.program {
				t.Errorf("package %q, program %q; want %q, %q", b.Package(), b.name, test.packages, test.program)
			}
		})
	}
}
