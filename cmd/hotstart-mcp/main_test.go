package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// patience is the limit of every wait. Only a failing test reaches it.
const patience = time.Minute

// binaries is a folder with hotstart and hotstart-mcp.
var binaries string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	var err error
	if binaries, err = os.MkdirTemp("", "hotstart-mcp-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(binaries)
	for name, dir := range map[string]string{"hotstart": "../hotstart", "hotstart-mcp": "."} {
		build := exec.Command("go", "build", "-o", filepath.Join(binaries, name), ".")
		build.Dir = dir
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}

const (
	goMod = "module example.com/app\n\ngo 1.25\n"
	good  = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	log.SetFlags(0)
	log.Print("this program begins")
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "one")
	})))
}
`
)

// project makes a folder with a program, and a folder for control sockets.
func project(t *testing.T) string {
	t.Helper()
	dir, runtime := t.TempDir(), filepath.Join(binaries, "run")
	if err := os.MkdirAll(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	t.Setenv("ADDRESS", "127.0.0.1:0")
	write(t, dir, "go.mod", goMod)
	write(t, dir, "main.go", good)
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// watch runs hotstart watch until the test ends.
func watch(t *testing.T, dir string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(filepath.Join(binaries, "hotstart"), "watch")
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = dir, &out, patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("hotstart watch: %v\n%s", err, &out)
		}
	})
}

// connect runs a server by a command, and returns a client of the SDK.
func connect(t *testing.T, dir, name string, args ...string) *mcp.ClientSession {
	t.Helper()
	cmd := exec.Command(filepath.Join(binaries, name), args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// call calls a tool, and returns its text.
func call(t *testing.T, s *mcp.ClientSession, tool string, arguments map[string]any) (text string, isError bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	for _, c := range r.Content {
		text += c.(*mcp.TextContent).Text
	}
	return text, r.IsError
}

// answer is the part of the answers that the test reads.
type answer struct {
	State, Outcome string
	Serving        struct{ Generation int }
	Failure        struct {
		Reason      string
		Diagnostics []struct {
			File, Message string
			Line, Column  int
		}
	}
}

func ask(t *testing.T, s *mcp.ClientSession, tool string, arguments map[string]any) (a answer) {
	t.Helper()
	text, isError := call(t, s, tool, arguments)
	if isError {
		t.Fatalf("%s: %s", tool, text)
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%s: %v: %s", tool, err, text)
	}
	return a
}

// An agent edits, waits, reads the errors, and fixes them.
func TestAnAgentSession(t *testing.T) {
	dir := project(t)
	s := connect(t, dir, "hotstart", "mcp")
	if text, isError := call(t, s, "status", nil); !isError || !strings.Contains(text, "hotstart watch") {
		t.Errorf("without a hotstart the answer is %q", text)
	}
	watch(t, dir)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, isError := call(t, s, "status", nil); !isError {
			break
		}
		if time.Now().After(end) {
			t.Fatal("hotstart watch does not answer")
		}
	}
	first := ask(t, s, "wait", nil)
	if first.Outcome != "served" || first.Serving.Generation == 0 {
		t.Fatalf("%+v", first)
	}
	if text, _ := call(t, s, "build_errors", nil); !strings.HasPrefix(text, "no errors") {
		t.Errorf("build_errors: %q", text)
	}

	write(t, dir, "main.go", strings.Replace(good, `"one"`, "two", 1))
	failed := ask(t, s, "wait", map[string]any{"timeout_seconds": 50})
	if failed.Outcome != "failed" || failed.Failure.Reason != "build" || len(failed.Failure.Diagnostics) != 1 {
		t.Fatalf("%+v", failed)
	}
	if d := failed.Failure.Diagnostics[0]; filepath.Base(d.File) != "main.go" || d.Line != 14 || d.Column != 17 || d.Message != "undefined: two" {
		t.Errorf("%+v", d)
	}
	if text, _ := call(t, s, "build_errors", nil); !strings.Contains(text, "main.go:14:17: undefined: two\n") {
		t.Errorf("build_errors: %q", text)
	}

	write(t, dir, "main.go", strings.Replace(good, `"one"`, `"two"`, 1))
	fixed := ask(t, s, "wait", nil)
	if fixed.Outcome != "served" || fixed.Serving.Generation <= first.Serving.Generation {
		t.Errorf("%+v", fixed)
	}
	reloaded := ask(t, s, "reload", map[string]any{"dir": ".", "restart": true})
	if reloaded.Outcome != "served" || reloaded.Serving.Generation <= fixed.Serving.Generation {
		t.Errorf("%+v", reloaded)
	}
	if now := ask(t, s, "status", map[string]any{"dir": dir}); now.State != "serving" || now.Serving != reloaded.Serving {
		t.Errorf("%+v", now)
	}
	if text, _ := call(t, s, "logs", map[string]any{"lines": 1}); text != fmt.Sprintf("%d | this program begins\n", reloaded.Serving.Generation) {
		t.Errorf("logs: %q", text)
	}
}

func TestTools(t *testing.T) {
	s := connect(t, project(t), "hotstart-mcp")
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		if tool.Description == "" || tool.Annotations == nil {
			t.Errorf("%s has no description or no annotations", tool.Name)
		}
		if !strings.Contains(string(docs), "\n| `"+tool.Name+"` |") {
			t.Errorf("docs/mcp.md does not list %s", tool.Name)
		}
	}
	if got := strings.Join(names, " "); got != "build_errors logs reload status wait" {
		t.Errorf("tools %q", got)
	}
	if s.InitializeResult().Instructions == "" {
		t.Error("there are no instructions")
	}
	if text, isError := call(t, s, "status", map[string]any{"name": "a/b"}); !isError || !strings.Contains(text, `"a/b"`) {
		t.Errorf("%q", text)
	}
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
	}{{[]string{"a", "b"}, 2}, {[]string{"-none"}, 2}} {
		if code := run(test.args); code != test.code {
			t.Errorf("%q: exit code %d, want %d", test.args, code, test.code)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if h, err := newHotstart("", ""); err == nil || !strings.Contains(err.Error(), "go install") {
		t.Errorf("%v, %v", h, err)
	}
}
