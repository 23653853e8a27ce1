//go:build e2e

package inject

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A suite has the tests of a package that serves HTTP. They are compiled with a net/http whose server calls handlers by
// way of this package, with every GET request as a navigation, and so is the ServeHTTP of a framework that gets a
// httptest.ResponseRecorder.
type suite struct {
	name    string // of the package of the tests
	module  string // with its version; "" for the standard library
	dir     string // of the package in the module
	handler string // file and beginning of the framework's ServeHTTP; "" without
	begin   string
}

var suites = []suite{
	{name: "http"},
	{name: "gin", module: "github.com/gin-gonic/gin@v1.12.0", handler: "gin.go", begin: "func (engine *Engine) ServeHTTP("},
	{name: "echo", module: "github.com/labstack/echo/v4@v4.16.0", handler: "echo.go", begin: "func (e *Echo) ServeHTTP("},
	{name: "middleware", module: "github.com/labstack/echo/v4@v4.16.0", dir: "middleware", handler: "echo.go", begin: "func (e *Echo) ServeHTTP("},
	{name: "chi", module: "github.com/go-chi/chi/v5@v5.5.0", handler: "mux.go", begin: "func (mx *Mux) ServeHTTP("},
	{name: "middleware", module: "github.com/go-chi/chi/v5@v5.5.0", dir: "middleware", handler: "mux.go", begin: "func (mx *Mux) ServeHTTP("},
}

// mode is the value of the variable HOTSTART_SUITE of a run.
type mode string

const (
	direct  mode = "direct" // handlers are not wrapped
	empty   mode = "empty"  // they are, but the tag is empty, and they may compress: nothing changes
	withTag mode = "tagged"
)

// wrapper is a part of the tests of a suite.
const wrapper = `package NAME_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"
)

func init() {
	mode := os.Getenv("HOTSTART_SUITE")
	if mode == "direct" {
		return
	}
	pages := hotstartNewPages("127.0.0.1:1")
	http.HotstartServe = func(h http.Handler, w http.ResponseWriter, r *http.Request) {
		switch writer := w.(type) {
		case hotstartPage1, hotstartPage2:
			h.ServeHTTP(w, r)
			return
		case *httptest.ResponseRecorder:
			w = hotstartRecorder{writer}
		}
		if r.Header == nil {
			r.Header = http.Header{}
		}
		encodings := r.Header["Accept-Encoding"]
		r.Header.Set("Sec-Fetch-Dest", "document")
		pages.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Sec-Fetch-Dest")
			if mode == "empty" && encodings != nil {
				r.Header["Accept-Encoding"] = encodings
			}
			h.ServeHTTP(w, r)
		}), w, r)
	}
}

// hotstartRecorder has the methods of the ResponseWriter of net/http.
type hotstartRecorder struct{ *httptest.ResponseRecorder }

func (r hotstartRecorder) CloseNotify() <-chan bool         { return nil }
func (r hotstartRecorder) FlushError() error                { r.Flush(); return nil }
func (r hotstartRecorder) SetReadDeadline(time.Time) error  { return nil }
func (r hotstartRecorder) SetWriteDeadline(time.Time) error { return nil }
func (r hotstartRecorder) EnableFullDuplex() error          { return nil }
func (r hotstartRecorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errors.New("a recorder")
}
func (r hotstartRecorder) ReadFrom(from io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{r.ResponseRecorder}, from)
}
`

// files returns the files that replace others in a build of the tests, by the names of the others.
func (s suite) files(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	root := strings.TrimSpace(output(t, ".", "go", "env", "GOROOT"))
	server := filepath.Join(root, "src/net/http/server.go")
	files[server] = change(t, server, "\thandler.ServeHTTP(rw, req)\n}\n\nfunc badServeHTTP(", `	if HotstartServe != nil {
		HotstartServe(handler, rw, req)
		return
	}
	handler.ServeHTTP(rw, req)
}

var HotstartServe func(h Handler, w ResponseWriter, r *Request)

func badServeHTTP(`)
	in := filepath.Join(root, "src/net/http")
	if s.module != "" {
		in = filepath.Join(dir, s.dir)
		framework := filepath.Join(dir, s.handler)
		files[framework] = change(t, framework, s.begin, s.begin+`w http.ResponseWriter, r *http.Request) {
	this := `+strings.Fields(strings.TrimPrefix(s.begin, "func ("))[0]+`
	if http.HotstartServe != nil {
		http.HotstartServe(http.HandlerFunc(this.serveHotstart), w, r)
		return
	}
	this.serveHotstart(w, r)
}

`+strings.Replace(s.begin, "ServeHTTP(", "serveHotstart(", 1))
	}
	for _, name := range []string{"page.go", "pages.go"} {
		content := change(t, name, "package inject\n", "package "+s.name+"_test\n")
		if name == "page.go" {
			const last = `"></script>"` + "\n"
			content = strings.Replace(content, last, last+"\tif os.Getenv(\"HOTSTART_SUITE\") == \"empty\" {\n\t\tp.tag = \"\"\n\t}\n", 1)
			content = strings.Replace(content, "\t\"net/http\"\n", "\t\"net/http\"\n\t\"os\"\n", 1)
		}
		files[filepath.Join(in, "hotstart_"+strings.TrimSuffix(name, ".go")+"_test.go")] = content
	}
	files[filepath.Join(in, "hotstart_wrapper_test.go")] = strings.Replace(wrapper, "NAME", s.name, 1)
	return files
}

// change returns the content of a file with a change in one place.
func change(t *testing.T, name, from, to string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte(from)); n != 1 {
		t.Fatalf("%s has %q %d times", name, from, n)
	}
	return strings.Replace(string(content), from, to, 1)
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return string(out)
}

// run runs the tests, and returns the results ("pass", "fail" or "skip") and what was written by their names.
func (s suite) run(t *testing.T, dir, overlay string, m mode) (results, logs map[string]string) {
	// A test of gin saves a file as "/", and changes the mode of the root directory if root runs it.
	args := []string{"test", "-json", "-short", "-count=1", "-vet=off", "-skip=^TestSaveUploadedCreateFailed$", "-overlay=" + overlay, "net/http"}
	if s.module != "" {
		args[len(args)-1] = "./" + s.dir
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOTSTART_SUITE="+string(m), "GOFLAGS=-mod=mod", "GOWORK=off")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, _ := cmd.Output() // some tests may fail
	results, logs = map[string]string{}, map[string]string{}
	for in := bufio.NewScanner(bytes.NewReader(out)); in.Scan(); {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue
		}
		logs[e.Test] += e.Output
		if e.Test != "" && slices.Contains([]string{"pass", "fail", "skip"}, e.Action) {
			results[e.Test] = e.Action
		}
	}
	if len(results) == 0 {
		t.Fatalf("no test ran: %s\n%s", logs[""], errs.String())
	}
	return results, logs
}

// TestSuites runs tests that others have written, with their handlers wrapped. It takes minutes, and is run by hand:
// go test -tags e2e -run TestSuites -v -timeout 30m ./builder/adopt/inject
func TestSuites(t *testing.T) {
	for _, s := range suites {
		t.Run(strings.ReplaceAll(s.module+"/"+s.dir, "/", "_"), func(t *testing.T) {
			dir := t.TempDir()
			if s.module != "" {
				var m struct{ Dir string }
				if err := json.Unmarshal([]byte(output(t, dir, "go", "mod", "download", "-json", s.module)), &m); err != nil {
					t.Fatal(err)
				}
				if err := os.CopyFS(dir, os.DirFS(m.Dir)); err != nil {
					t.Fatal(err)
				}
			}
			generated, replace := t.TempDir(), map[string]string{}
			for name, content := range s.files(t, dir) {
				file := filepath.Join(generated, fmt.Sprint(len(replace), ".go"))
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				replace[name] = file
			}
			overlay, _ := json.Marshal(map[string]any{"Replace": replace})
			list := filepath.Join(generated, "overlay.json")
			if err := os.WriteFile(list, overlay, 0o600); err != nil {
				t.Fatal(err)
			}
			want, _ := s.run(t, dir, list, direct)
			for _, m := range []mode{empty, withTag} {
				got, logs := s.run(t, dir, list, m)
				same := 0
				for name := range want {
					switch {
					case want[name] != "pass":
					case got[name] == "pass":
						same++
					case hasFailedPart(got, name):
					case isExpected(m, logs[name]):
						t.Logf("%s: as expected, %s differs", m, name)
					default:
						t.Errorf("%s: %s: %q\n%s", m, name, got[name], logs[name])
					}
				}
				t.Logf("%s: %d tests pass, of %d that pass without", m, same, count(want, "pass"))
			}
		})
	}
}

// hasFailedPart reports whether a test within a test has failed.
func hasFailedPart(results map[string]string, name string) bool {
	for other, result := range results {
		if result == "fail" && strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

// isExpected reports whether a test fails because of the tag, or of what docs/browser.md says: a page is not compressed,
// and net/http logs another caller of WriteHeader.
func isExpected(m mode, log string) bool {
	words := []string{"(*hotstartPage).WriteHeader"}
	if m == withTag {
		words = append(words, "/.hotstart/hotstart.js", "ncoding", "zip")
	}
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(log, word) })
}

func count(results map[string]string, result string) (n int) {
	for _, r := range results {
		if r == result {
			n++
		}
	}
	return n
}
