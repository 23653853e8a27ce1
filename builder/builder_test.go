package builder

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

// builderIn returns a Builder, and fails the test if New returns an error.
func builderIn(t *testing.T, dir string, o Options) *Builder {
	t.Helper()
	b, err := tryBuilder(t, dir, o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return b
}

func tryBuilder(t *testing.T, dir string, o Options) (*Builder, error) {
	o.Dir = dir
	if o.Output == "" {
		o.Output = t.TempDir()
	}
	return New(t.Context(), o)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const lib = "-- lib/lib.go --\npackage store\n"
	tests := []struct {
		name    string
		archive string
		options Options
		err     string // a part of the message
		hint    string // the whole hint
	}{
		{"no output directory", buildtest.Module + buildtest.Hello, Options{Output: "/nonexistent/output"}, "directory for the binaries", ""},
		{"the user's own -o", buildtest.Module + buildtest.Hello, Options{Flags: []string{"-o", "x"}}, "build flag -o=x", ""},
		{"a flag for another directory", buildtest.Module + buildtest.Hello, Options{Flags: []string{"-C=x"}}, "build flag -C=x", ""},
		{"a flag that builds nothing", buildtest.Module + buildtest.Hello, Options{Flags: []string{"-n"}}, "build flag -n", ""},
		{"errors as JSON", buildtest.Module + buildtest.Hello, Options{Flags: []string{"--json=true"}}, "build flag -json", ""},
		{"a flag that prints all commands", buildtest.Module + buildtest.Hello, Options{Flags: []string{"-x"}}, "build flag -x", ""},
		{"a library for C", buildtest.Module + buildtest.Hello, Options{Flags: []string{"-buildmode", "c-shared"}}, "build flag -buildmode=c-shared", ""},
		{"GOFLAGS with errors as JSON", buildtest.Module + buildtest.Hello, Options{Env: append(os.Environ(), "GOFLAGS=-trimpath -json")}, "GOFLAGS=-trimpath -json: build flag -json", "go env -u GOFLAGS; unset GOFLAGS"},
		{"GOFLAGS that print all commands", buildtest.Module + buildtest.Hello, Options{Env: append(os.Environ(), "GOFLAGS=-x")}, "GOFLAGS=-x: build flag -x", "go env -u GOFLAGS; unset GOFLAGS"},
		{"GOFLAGS that build nothing", buildtest.Module + buildtest.Hello, Options{Env: append(os.Environ(), "GOFLAGS='-n'")}, "build flag -n", "go env -u GOFLAGS; unset GOFLAGS"},
		{"another system", buildtest.Module + buildtest.Hello, Options{Env: append(os.Environ(), "GOOS=plan9", "GOARCH=amd64")}, "GOOS=plan9: ", "go env -u GOOS; unset GOOS"},
		{"no module", buildtest.Hello, Options{}, "no go.mod in ", "go mod init example.com/project"},
		{"modules off", buildtest.Module + buildtest.Hello, Options{Env: append(os.Environ(), "GO111MODULE=off")}, "GO111MODULE", "go env -u GO111MODULE; unset GO111MODULE"},
		{"a module further down", "-- a/go.mod --\nmodule a\n-- a/cmd/x/main.go --\npackage main\n",
			Options{Packages: []string{"./a/cmd/x"}}, "module of another directory", "cd ./a && hotstart watch ./cmd/x"},
		{"several packages", buildtest.Module + buildtest.Hello, Options{Packages: []string{".", "./x"}}, "want one package, not several", ""},
		{"a flag instead of a package", buildtest.Module + buildtest.Hello, Options{Packages: []string{"-race"}}, "not a package", ""},
		{"a missing directory", buildtest.Module + buildtest.Hello, Options{Packages: []string{"./nope"}}, `package "./nope": no directory`, "hotstart watch ."},
		{"a missing file", buildtest.Module + buildtest.Hello, Options{Packages: []string{"nope.go"}}, `finding the file "nope.go": no such file`, ""},
		{"a file and a package", buildtest.Module + buildtest.Hello, Options{Packages: []string{"main.go", "./x"}}, `"./x" is not a .go file`, ""},
		{"a library", buildtest.Module + buildtest.Hello + lib, Options{Packages: []string{"./lib"}}, `package store ("./lib") is a library`, "hotstart watch ."},
		{"a library by its import path", buildtest.Module + buildtest.Hello + lib, Options{Packages: []string{"example.com/m/lib"}}, "is a library", "hotstart watch ."},
		{"no program", buildtest.Module + lib, Options{}, "no main package", "hotstart watch ./path/to/main"},
		{"a program elsewhere", buildtest.Module + lib + "-- server/main.go --\npackage main\n-- vendor/x/main.go --\npackage main\n" +
			"-- other/go.mod --\nmodule other\n-- other/main.go --\npackage main\n",
			Options{}, "no main package", "hotstart watch ./server"},
		{"several programs", buildtest.Module + "-- cmd/b/main.go --\npackage main\n-- cmd/x/a/main.go --\npackage main\n-- cmd/util/u.go --\npackage util\n",
			Options{}, "several main packages: ./cmd/b, ./cmd/x/a", "hotstart watch ./cmd/b\nhotstart watch ./cmd/x/a"},
		{"several programs for dots", buildtest.Module + buildtest.Hello + "-- cmd/b/main.go --\npackage main\n",
			Options{Packages: []string{"./..."}}, "several main packages: ., ./cmd/b", "hotstart watch .\nhotstart watch ./cmd/b"},
		{"no go command", buildtest.Module + buildtest.Hello, Options{Go: "missing-go"}, `"missing-go" is not in PATH`,
			"set PATH to include its bin directory, or install Go from https://go.dev/dl/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryBuilder(t, buildtest.Project(t, test.archive), test.options)
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want one with %q", err, test.err)
			}
			var hinter interface{ Hint() string }
			hint := ""
			if errors.As(err, &hinter) {
				hint = hinter.Hint()
			}
			if hint != test.hint {
				t.Errorf("hint %q, want %q", hint, test.hint)
			}
		})
	}
}

func TestNewIsCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := New(ctx, Options{Dir: buildtest.Project(t, buildtest.Module+buildtest.Hello), Output: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
