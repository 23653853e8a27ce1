package builder

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// project writes the files of a txtar archive and returns their directory, which has one
// of its own above it, for what the archive calls "../lib".
func project(t *testing.T, archive string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "project")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, files := unpack(archive)
	for name, content := range files {
		write(t, filepath.Join(dir, name), content)
	}
	return dir
}

// unpack reads a txtar archive: a comment, then files, each after a line "-- NAME --".
func unpack(archive string) (comment string, files map[string]string) {
	parts := regexp.MustCompile(`(?m)^-- (.+) --\n`).FindAllStringSubmatchIndex(archive, -1)
	files = map[string]string{}
	end := len(archive)
	for _, at := range slices.Backward(parts) {
		files[archive[at[2]:at[3]]] = archive[at[1]:end]
		end = at[0]
	}
	return archive[:end], files
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// builderIn makes a Builder that must be possible to make.
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

func needGCC(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || string(out) != "1\n" {
		t.Skip("needs cgo, which is off: CGO_ENABLED, GOARCH, or no C compiler")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("needs gcc, a C compiler")
	}
}

// gomod is a go.mod file, hello the simplest program, which imports nothing.
const (
	gomod = "-- go.mod --\nmodule example.com/m\n\ngo 1.25\n"
	hello = "-- main.go --\npackage main\n\nfunc main() { println(\"hello\") }\n"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const lib = "-- lib/lib.go --\npackage store\n"
	tests := []struct {
		name    string
		archive string
		options Options
		err     string // a part of it
		hint    string // all of it
	}{
		{"no output directory", gomod + hello, Options{Output: "/nonexistent/output"}, "directory for the binaries", ""},
		{"the user's own -o", gomod + hello, Options{Flags: []string{"-o", "x"}}, "build flag -o=x", ""},
		{"another directory by flag", gomod + hello, Options{Flags: []string{"-C=x"}}, "build flag -C=x", ""},
		{"no binary at all", gomod + hello, Options{Flags: []string{"-n"}}, "build flag -n", ""},
		{"errors as JSON", gomod + hello, Options{Flags: []string{"--json=true"}}, "build flag -json", ""},
		{"all commands", gomod + hello, Options{Flags: []string{"-x"}}, "build flag -x", ""},
		{"a library for C", gomod + hello, Options{Flags: []string{"-buildmode", "c-shared"}}, "build flag -buildmode=c-shared", ""},
		{"GOFLAGS with errors as JSON", gomod + hello, Options{Env: append(os.Environ(), "GOFLAGS=-trimpath -json")}, "GOFLAGS=-trimpath -json: build flag -json", "go env -u GOFLAGS; unset GOFLAGS"},
		{"GOFLAGS with all commands", gomod + hello, Options{Env: append(os.Environ(), "GOFLAGS=-x")}, "GOFLAGS=-x: build flag -x", "go env -u GOFLAGS; unset GOFLAGS"},
		{"GOFLAGS that build nothing", gomod + hello, Options{Env: append(os.Environ(), "GOFLAGS='-n'")}, "build flag -n", "go env -u GOFLAGS; unset GOFLAGS"},
		{"another system", gomod + hello, Options{Env: append(os.Environ(), "GOOS=plan9", "GOARCH=amd64")}, "GOOS=plan9: ", "go env -u GOOS; unset GOOS"},
		{"no module", hello, Options{}, "no go.mod in ", "go mod init example.com/project"},
		{"modules off", gomod + hello, Options{Env: append(os.Environ(), "GO111MODULE=off")}, "GO111MODULE", "go env -u GO111MODULE; unset GO111MODULE"},
		{"a module further down", "-- a/go.mod --\nmodule a\n-- a/cmd/x/main.go --\npackage main\n",
			Options{Packages: []string{"./a/cmd/x"}}, "module of another directory", "cd ./a && hotstart watch ./cmd/x"},
		{"several packages", gomod + hello, Options{Packages: []string{".", "./x"}}, "want one package, not several", ""},
		{"a flag for a package", gomod + hello, Options{Packages: []string{"-race"}}, "not a package", ""},
		{"a missing directory", gomod + hello, Options{Packages: []string{"./nope"}}, `package "./nope": no directory`, "hotstart watch ."},
		{"a missing file", gomod + hello, Options{Packages: []string{"nope.go"}}, `finding the file "nope.go": no such file`, ""},
		{"a file and a package", gomod + hello, Options{Packages: []string{"main.go", "./x"}}, `"./x" is not a .go file`, ""},
		{"a library", gomod + hello + lib, Options{Packages: []string{"./lib"}}, `package store ("./lib") is a library`, "hotstart watch ."},
		{"a library by its import path", gomod + hello + lib, Options{Packages: []string{"example.com/m/lib"}}, "is a library", "hotstart watch ."},
		{"no program", gomod + lib, Options{}, "no main package", "hotstart watch ./path/to/main"},
		{"a program elsewhere", gomod + lib + "-- server/main.go --\npackage main\n-- vendor/x/main.go --\npackage main\n" +
			"-- other/go.mod --\nmodule other\n-- other/main.go --\npackage main\n",
			Options{}, "no main package", "hotstart watch ./server"},
		{"several programs", gomod + "-- cmd/b/main.go --\npackage main\n-- cmd/x/a/main.go --\npackage main\n-- cmd/util/u.go --\npackage util\n",
			Options{}, "several main packages: ./cmd/b, ./cmd/x/a", "hotstart watch ./cmd/b\nhotstart watch ./cmd/x/a"},
		{"several programs for dots", gomod + hello + "-- cmd/b/main.go --\npackage main\n",
			Options{Packages: []string{"./..."}}, "several main packages: ., ./cmd/b", "hotstart watch .\nhotstart watch ./cmd/b"},
		{"no go command", gomod + hello, Options{Go: "surely-no-go"}, `"surely-no-go" is not in PATH`,
			"set PATH to include its bin directory, or install Go from https://go.dev/dl/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryBuilder(t, project(t, test.archive), test.options)
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
	_, err := New(ctx, Options{Dir: project(t, gomod+hello), Output: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
