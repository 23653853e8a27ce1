package adopt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hotstart/hotstart/builder/adopt"
	"github.com/hotstart/hotstart/builder/internal/buildtest"
)

const listens = `package main

import "net"

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	l.Close()
	println("hello")
}
`

// releases are releases that have the hooks, the oldest first. Go 1.24.0 could not add files by an overlay in every
// directory (golang/go#71783).
var releases = []string{"go1.23.0", "go1.24.0", "go1.25.0"}

func goroot(t *testing.T, release string) string {
	t.Helper()
	cmd := exec.Command("go", "env", "GOROOT")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+release)
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("%s can't be had: %v", release, err)
	}
	return strings.TrimSpace(string(out))
}

func TestHooksOfReleases(t *testing.T) {
	t.Parallel()
	for _, release := range releases {
		for _, system := range []string{"linux", "darwin", "freebsd"} {
			t.Run(release+" "+system, func(t *testing.T) {
				t.Parallel()
				output := t.TempDir()
				_, err := adopt.Build{
					GOROOT: goroot(t, release), GOVERSION: release, GOOS: system, GOARCH: "arm64",
					Dir: t.TempDir(), Path: "example.com/m", Imports: []string{"net", "net/http", "golang.org/x/net/http2/h2c"}, Output: output,
				}.Adopt()
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, name := range files(t, filepath.Join(output, "hotstart_adopt")) {
					names = append(names, filepath.Base(name))
				}
				if reads := slices.Contains(names, "unix_linux.go"); reads != (system == "linux") {
					t.Errorf("it reads the address of a unix socket: %v", reads)
				}
				if serves := slices.Contains(names, "h2c.go"); serves != (release != "go1.23.0") {
					t.Errorf("net/http serves h2c: %v", serves) // Go 1.23 has no field Protocols
				}
			})
		}
	}
}

// An unknown Go does not have the hooks.
func TestNoHooks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "src/net/hook_unix.go"), "package net\n\nvar socketFunc, listenFunc func(int, int, int) (int, error)\n")
	_, err := adopt.Build{
		GOROOT: root, GOVERSION: "go1.99", GOOS: "linux", Dir: t.TempDir(), Imports: []string{"net"}, Output: t.TempDir(),
	}.Adopt()
	if want := "go1.99 has no listenFunc in net/hook_unix.go, which it needs"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// If net.socket has other parameters, unix sockets are inherited only if the program removes the path first.
func TestAnotherNetSocket(t *testing.T) {
	t.Parallel()
	root, output := t.TempDir(), t.TempDir()
	for _, name := range []string{"net/hook_unix.go", "internal/poll/hook_unix.go", "internal/poll/hook_cloexec.go"} {
		content, err := os.ReadFile(filepath.Join(goroot(t, "local"), "src", name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(root, "src", name), string(content))
	}
	writeFile(t, filepath.Join(root, "src/net/sock_posix.go"), "package net\n\nfunc socket(laddr sockaddr) {}\n")
	_, err := adopt.Build{
		GOROOT: root, GOVERSION: "go1.99", GOOS: "linux", GOARCH: "amd64", Dir: t.TempDir(), Imports: []string{"net"}, Output: output,
	}.Adopt()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, output) {
		content, err := os.ReadFile(name)
		if err != nil || bytes.Contains(content, []byte(") hookUnix()")) {
			t.Errorf("%s takes arguments for what they are not: %v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	good, err := ofDir(module(t, map[string]string{"main.go": listens}))
	if err != nil {
		t.Fatal(err)
	}
	good.Output = t.TempDir()
	for name, change := range map[string]func(*adopt.Build){
		"starter/worker":            func(b *adopt.Build) { b.Imports = append(b.Imports, "github.com/hotstart/hotstart/starter/worker") },
		"the module cache":          func(b *adopt.Build) { b.GOMODCACHE = filepath.Dir(b.Dir) },
		"-compiler":                 func(b *adopt.Build) { b.Compiler = "gccgo" },
		"-linkshared":               func(b *adopt.Build) { b.Shared = true },
		"-cover":                    func(b *adopt.Build) { b.Cover = true },
		"-buildmode":                func(b *adopt.Build) { b.Mode = "c-shared" },
		"-ldflags=-checklinkname":   func(b *adopt.Build) { b.LDFlags = []string{"-checklinkname"} },
		"not supported on windows":  func(b *adopt.Build) { b.GOOS = "windows" },
		"the -overlay of the build": func(b *adopt.Build) { b.Overlay = "/nowhere" },
	} {
		b := good
		change(&b)
		if _, err := b.Adopt(); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := good.Adopt(); err != nil {
		t.Error(err)
	}
}

// Linkers before Go 1.23 do not have the flag.
func TestLinkerFlags(t *testing.T) {
	t.Parallel()
	b, err := ofDir(module(t, map[string]string{"main.go": listens}))
	if err != nil {
		t.Fatal(err)
	}
	b.Output = t.TempDir()
	b.LDFlags = []string{"-s -w", "all=-X 'main.x=a b'"}
	for version, want := range map[string]string{
		"go1.22.5":              "",
		"go1.23.0":              "-ldflags=-checklinkname=0|-ldflags=-s -w -checklinkname=0|-ldflags=all=-X 'main.x=a b' -checklinkname=0",
		"go1.26.8 X:nodwarf5":   "-ldflags=-checklinkname=0|-ldflags=-s -w -checklinkname=0|-ldflags=all=-X 'main.x=a b' -checklinkname=0",
		"devel go1.27-0123abcd": "-ldflags=-checklinkname=0|-ldflags=-s -w -checklinkname=0|-ldflags=all=-X 'main.x=a b' -checklinkname=0",
	} {
		b.GOVERSION = version
		a, err := b.Adopt()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(a.Flags[1:], "|"); got != want {
			t.Errorf("%s: %s", version, got)
		}
	}
}

// Every package-level name of the generated files begins with the same word, and the files are for the right system.
func TestSource(t *testing.T) {
	t.Parallel()
	for _, system := range []string{"linux", "darwin", "freebsd", "netbsd", "openbsd", "dragonfly"} {
		b, err := ofDir(module(t, map[string]string{"main.go": listens}))
		if err != nil {
			t.Fatal(err)
		}
		b.GOOS, b.Output, b.Path = system, t.TempDir(), ""
		a, err := b.Adopt()
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, name := range a.Files {
			source, err := os.ReadFile(filepath.Join(b.Output, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range topNames(t, source) {
				if !strings.HasPrefix(name, "hotstart") && name != "_" {
					t.Errorf("%s: the name %s may collide", system, name)
				}
			}
			all = append(all, source...)
		}
		if bytes.Contains(all, []byte("Accept4Func")) == (system == "darwin") || bytes.Contains(all, []byte("net/http\"")) {
			t.Errorf("%s: it is for another system, or has net/http", system)
		}
	}
}

// files returns the names of all files below a directory, which has some.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	for _, pattern := range []string{"*.go", "*/*.go"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	if len(names) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	return names
}

// Programs are built in many ways, which all have to work.
func TestWaysToBuild(t *testing.T) {
	t.Parallel()
	const usesLib = "package main\n\nimport (\n\t\"net\"\n\n\t\"example.com/lib\"\n)\n\nfunc main() { net.Dial(\"\", \"\"); println(lib.Hello) }\n"
	const lib = "package lib\n\nconst Hello = \"hello\"\n"
	needs := goMod + "\nrequire example.com/lib v0.0.0\n"
	for _, test := range []struct {
		name  string
		flags []string
		long  bool
		files map[string]string
	}{
		{"as a rule", nil, false, map[string]string{"main.go": listens}},
		{"race", []string{"-race"}, true, map[string]string{"main.go": listens}},
		{"trimpath", []string{"-trimpath"}, true, map[string]string{"main.go": listens}},
		{"pie", []string{"-buildmode=pie"}, true, map[string]string{"main.go": listens}},
		{"no optimisation", []string{"-gcflags=all=-N -l"}, true, map[string]string{"main.go": listens}},
		{"external linker", []string{"-ldflags=-linkmode=external -checklinkname=0"}, true, map[string]string{"main.go": listens}},
		{"cgo", nil, true, map[string]string{"main.go": "package main\n\n// int f(void) { return 0; }\nimport \"C\"\nimport \"net\"\n\nfunc main() { net.Dial(\"\", \"\"); C.f(); println(\"hello\") }\n"}},
		{"vendor", []string{"-mod=vendor"}, true, map[string]string{
			"go.mod": needs, "main.go": usesLib, "vendor/example.com/lib/lib.go": lib,
			"vendor/modules.txt": "# example.com/lib v0.0.0\n## explicit\nexample.com/lib\n"}},
		{"workspace", nil, true, map[string]string{
			"go.work": "go 1.25\n\nuse (\n\t.\n\t./lib\n)\n", "main.go": usesLib, "lib/go.mod": "module example.com/lib\n", "lib/lib.go": lib}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.long {
				buildtest.Long(t)
			}
			if slices.Contains([]string{"race", "external linker", "cgo"}, test.name) {
				needsCompiler(t)
			}
			out, err := exec.Command(build(t, module(t, test.files), test.flags...)).CombinedOutput()
			if err != nil || string(out) != "hello\n" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// needsCompiler skips a test that builds with cgo.
func needsCompiler(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err != nil || string(out) != "1\n" {
		t.Skip("needs cgo, which is off: CGO_ENABLED, GOARCH, or no C compiler")
	}
}

// The race detector reports no race in the hooks.
func TestRace(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	needsCompiler(t)
	source, err := filepath.Abs("testdata/server")
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t, "127.0.0.1")
	program := build(t, source, "-race")
	r := start(t, program, []string{"plain", address}, nil)
	l := newLoad()
	l.ask(4, "http://"+address, false, nil)
	l.ask(4, "http://"+address, true, nil)
	for range 3 {
		l.more(t, 500)
		newClient(t).post("http://" + address) // its connection is looked at while it is idle
		r.reload()
	}
	r.left(3)
	l.end(t)
	if r.text() != "" {
		t.Error(r.text())
	}

	path := unixAddress(t)
	r = start(t, program, []string{"unix", path}, nil)
	r.reload()
	r.left(1)
	r.prints(strings.Repeat("listening on "+path+"\n", 2))
}

// Each system and each release builds a program that serves HTTP.
func TestBuildEverywhere(t *testing.T) {
	t.Parallel()
	buildtest.Long(t)
	dir := module(t, map[string]string{"main.go": "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\"\", nil) }\n"})
	for _, env := range []string{"GOOS=darwin GOARCH=arm64", "GOOS=freebsd GOARCH=amd64", "GOTOOLCHAIN=go1.23.0", "GOTOOLCHAIN=go1.24.0", "GOTOOLCHAIN=go1.25.0"} {
		t.Run(env, func(t *testing.T) {
			b, err := ofDir(dir, strings.Fields(env)...)
			if err != nil {
				t.Fatal(err)
			}
			b.Output = t.TempDir()
			a, err := b.Adopt()
			if err != nil {
				t.Fatal(err)
			}
			program := filepath.Join(b.Output, "program")
			cmd := goCommand(dir, append([]string{"build", "-o", program}, a.Flags...)...)
			cmd.Env = append(cmd.Env, strings.Fields(env)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			content, err := os.ReadFile(program)
			if err != nil || !bytes.Contains(content, []byte(".(*hotstartHTTP).ServeHTTP")) {
				t.Errorf("it is not adopted: %v", err)
			}
		})
	}
}
