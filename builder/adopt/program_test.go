package adopt_test

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder/adopt"
	"github.com/hotstart/hotstart/starter"
)

// goMod is the go.mod of a module with an older language version.
const goMod = "module example.com/program\n\ngo 1.17\n"

// module writes a module with these files into a new directory.
func module(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files["go.mod"]; !ok {
		writeFile(t, filepath.Join(dir, "go.mod"), goMod)
	}
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

// ofDir describes the build of the program in dir, for this machine or the one in env.
func ofDir(dir string, env ...string) (adopt.Build, error) {
	list := goCommand(dir, "list", "-e", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`)
	list.Env = append(list.Env, env...)
	imports, err := list.Output()
	if err != nil {
		return adopt.Build{}, err
	}
	ask := goCommand(dir, "env", "GOROOT", "GOVERSION", "GOOS", "GOARCH")
	ask.Env = append(ask.Env, env...)
	says, err := ask.Output()
	if err != nil {
		return adopt.Build{}, err
	}
	of, packages := strings.Fields(string(says)), strings.Fields(string(imports))
	return adopt.Build{
		GOROOT: of[0], GOVERSION: of[1], GOOS: of[2], GOARCH: of[3],
		Dir: dir, Path: packages[0], Imports: packages[1:], LDFlags: []string{"-s -w"},
	}, nil
}

func goCommand(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "PWD="+dir)
	return cmd
}

// build builds the program in dir with instrumentation.
func build(t testing.TB, dir string, flags ...string) string {
	t.Helper()
	program, err := buildIn(t.TempDir(), dir, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// buildIn builds the program in dir with instrumentation, in the directory output.
func buildIn(output, dir string, flags ...string) (string, error) {
	b, err := ofDir(dir)
	if err != nil {
		return "", err
	}
	b.Output = output
	a, err := b.Adopt()
	if err != nil {
		return "", err
	}
	program := filepath.Join(output, "program")
	args := append([]string{"build", "-o", program}, flags...)
	if out, err := goCommand(dir, append(args, a.Flags...)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %v: %v\n%s", args, err, out)
	}
	return program, nil
}

// topNames returns the package-level names of a file.
func topNames(t testing.TB, source []byte) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}

// running is hotstart with one program.
type running struct {
	t       testing.TB
	starter *starter.Starter
	command *starter.Command
	ended   chan error

	mu     sync.Mutex
	events []starter.Event
	output bytes.Buffer
}

// start runs a program under hotstart, and waits until it serves.
func start(t testing.TB, path string, args []string, change func(*starter.Options)) *running {
	t.Helper()
	r := prepare(t, path, args, change)
	r.reload()
	return r
}

// prepare returns a running that has not started the program.
func prepare(t testing.TB, path string, args []string, change func(*starter.Options)) *running {
	t.Helper()
	r := &running{t: t, ended: make(chan error, 1)}
	o := starter.Options{
		DualStack:        true,
		Ready:            starter.ReadyAuto,
		DrainTimeout:     10 * time.Second,
		StopTimeout:      10 * time.Second,
		MaxStartFailures: 1,
		KeepRunning:      true,
		Report:           r.report,
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.starter, err = starter.New(o); err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.command = &starter.Command{Path: path, Args: append([]string{path}, args...), Stdout: write, Stderr: write}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		buf := make([]byte, 4096)
		for {
			n, err := read.Read(buf)
			r.mu.Lock()
			r.output.Write(buf[:n])
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() { r.ended <- r.starter.Run(context.Background()) }()
	t.Cleanup(func() {
		r.starter.Signal(syscall.SIGTERM)
		<-r.ended
		write.Close()
		<-copied
		read.Close()
		if t.Failed() {
			t.Logf("output:\n%s", r.text())
			for _, e := range r.seen() {
				t.Log(e)
			}
		}
	})
	return r
}

func (r *running) report(e starter.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *running) seen() []starter.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]starter.Event(nil), r.events...)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

// count returns the number of events of a kind.
func (r *running) count(kind starter.Kind) (n int) {
	for _, e := range r.seen() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// reload starts one more generation and waits until it serves.
func (r *running) reload() {
	r.t.Helper()
	n := r.count(starter.Serving)
	r.starter.Reload(r.command)
	r.until("a worker serves", func() bool {
		if e := r.count(starter.Failed) + r.count(starter.TimedOut) + r.count(starter.BrokerError); e > 0 {
			r.t.Fatal("a worker failed")
		}
		return r.count(starter.Serving) > n
	})
}

// left waits until n workers have left.
func (r *running) left(n int) {
	r.t.Helper()
	r.until(fmt.Sprintf("%d workers have left", n), func() bool { return r.count(starter.Exited) >= n })
}

// prints waits until the output of the workers is this: a worker may exit before its output is read.
func (r *running) prints(text string) {
	r.t.Helper()
	r.until(fmt.Sprintf("they print %q", text), func() bool { return r.text() == text })
}

func (r *running) until(what string, is func() bool) {
	r.t.Helper()
	until(r.t, what, is)
}

// until polls for a fact.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

var portsTried atomic.Int32

// freePort returns an address on which no program listens. The kernel does not give its port to clients, which get ports
// above 32768.
func freePort(t testing.TB, host string) string {
	t.Helper()
	for range 1000 {
		address := net.JoinHostPort(host, strconv.Itoa(20000+(os.Getpid()*97+int(portsTried.Add(1)))%10000))
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
