//go:build e2e && linux

package e2e

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// waiting is a project that a session watches, with an answer from two files.
type waiting struct {
	testing.TB
	*project
	session *session
	address string
	client  *http.Client
	env     []string
	parts   [2]string // that the last program which builds answers
}

// newWaiting starts hotstart with flags, in which ADDRESS is replaced.
func newWaiting(t testing.TB, flags ...string) *waiting {
	t.Helper()
	// The path of the socket has to be short.
	runtimeDir, err := os.MkdirTemp("", "hs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(runtimeDir) })
	w := &waiting{TB: t, address: freeAddress(t), parts: [2]string{"first0", "second0"}}
	w.client = &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	w.project = &project{dir: filepath.Join(t.TempDir(), "project")}
	w.write(t, "go.mod", "module example.com/program\n\ngo 1.25.0\n")
	w.write(t, "main.go", `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, first+"/"+second) })
	http.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	panic(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}
`)
	for i := range w.parts {
		w.write(t, w.file(i), w.source(i, w.parts[i]))
	}
	w.env = []string{"XDG_RUNTIME_DIR=" + runtimeDir}
	for i, flag := range flags {
		flags[i] = strings.ReplaceAll(flag, "ADDRESS", w.address)
	}
	w.session = watch(t, w.project, nil, append(w.env, "ADDRESS="+w.address), flags...)
	return w
}

func (w *waiting) file(i int) string { return []string{"first.go", "second.go"}[i] }
func (w *waiting) source(i int, text string) string {
	return fmt.Sprintf("package main\n\nconst %s = %q\n", []string{"first", "second"}[i], text)
}

// edit changes a part, in place or by a rename.
func (w *waiting) edit(i int, text string, rename bool) {
	w.parts[i] = text
	w.save(w.file(i), w.source(i, text), rename)
}

func (w *waiting) save(name, content string, rename bool) {
	if !rename {
		w.write(w.TB, name, content)
		return
	}
	w.write(w.TB, name+".new", content)
	if err := os.Rename(filepath.Join(w.dir, name+".new"), filepath.Join(w.dir, name)); err != nil {
		w.Fatal(err)
	}
}

// wait runs hotstart wait, and returns its exit code and what it printed.
func (w *waiting) wait() (code int, output string) {
	cmd := exec.Command(hotstart, "wait")
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), w.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Error(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// check waits and sends one request.
func (w *waiting) check(n int, broken bool) {
	code, output := w.wait()
	answer, err := request(w.client, http.MethodGet, "http://"+w.address, "")
	want, wantCode := w.parts[0]+"/"+w.parts[1], 0
	if broken {
		wantCode = 1
	}
	switch {
	case code != wantCode:
		w.Errorf("round %d: exit code %d, want %d:\n%s\n%s", n, code, wantCode, output, w.session.output())
	case err != nil || answer != want:
		w.Errorf("round %d: the answer is %q, %v; want %q:\n%s\n%s", n, answer, err, want, output, w.session.output())
	case broken && !strings.Contains(output, "broken.go:3:"):
		w.Errorf("round %d: the place of the error is missing:\n%s", n, output)
	}
}

// TestWaitIsRight edits a program, waits, and sends one request, which the
// edited program has to answer.
func TestWaitIsRight(t *testing.T) {
	w := newWaiting(t)
	rounds := cmp.Or(*reloadsFlag, 1000)
	began := time.Now()
	for n := 1; n <= rounds && !t.Failed(); n++ {
		text := fmt.Sprint("round", n)
		switch broken := n%10 == 0; {
		case broken:
			w.save("broken.go", "package main\n\nvar "+text+" int = \"\"\n", n%20 == 0)
			w.check(n, true)
			if err := os.Remove(filepath.Join(w.dir, "broken.go")); err != nil {
				t.Fatal(err)
			}
			w.check(n, false)
		case n%3 == 0: // two files, maybe in two batches
			w.edit(0, text, n%2 == 0)
			time.Sleep(rand.N(5 * time.Millisecond))
			w.edit(1, text, n%2 != 0)
			w.check(n, false)
		default:
			w.edit(n%2, text, n%4 < 2)
			w.check(n, false)
		}
	}
	t.Logf("%d rounds in %v", rounds, time.Since(began).Round(time.Second))
}

// TestManyWaitAtOnce has 20 callers after each edit.
func TestManyWaitAtOnce(t *testing.T) {
	w := newWaiting(t)
	const callers = 20
	rounds := cmp.Or(*reloadsFlag, 100)
	for n := 1; n <= rounds && !t.Failed(); n++ {
		w.edit(n%2, fmt.Sprint("round", n), n%4 < 2)
		var waits sync.WaitGroup
		for range callers {
			waits.Go(func() { w.check(n, false) })
		}
		waits.Wait()
	}
}

// TestWaitDoesNotWaitForOldRequests waits while the old worker answers a request.
func TestWaitDoesNotWaitForOldRequests(t *testing.T) {
	w := newWaiting(t)
	answer, err := w.client.Get("http://" + w.address + "/endless")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	ended := make(chan struct{})
	go func() { // ends with the answer
		answer.Body.Read(make([]byte, 1))
		close(ended)
	}()
	for n := 1; n <= 3; n++ {
		w.edit(0, fmt.Sprint("round", n), false)
		w.check(n, false)
	}
	select {
	case <-ended:
		t.Error("the old request has ended: the test shows nothing")
	default:
	}
}

// BenchmarkWaitOnAQuietProject runs the command, as a script does.
func BenchmarkWaitOnAQuietProject(b *testing.B) {
	w := newWaiting(b)
	w.wait() // the first one makes the kernel watch one more folder
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if code, output := w.wait(); code != 0 {
			b.Fatal(output)
		}
		took = append(took, time.Since(began))
	}
	b.ReportMetric(float64(median(took).Microseconds())/1000, "ms/median")
}
