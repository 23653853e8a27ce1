//go:build e2e && linux

package e2e

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// ownControl returns the flag for a control socket of the test.
func ownControl(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "hs-") // the path of the socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "--control=" + filepath.Join(dir, "socket")
}

// followEvents follows the events of a session that serves. It returns a channel of
// their names. The arguments name the session.
func followEvents(t testing.TB, s *session, env []string, args ...string) <-chan string {
	t.Helper()
	cmd := exec.Command(hotstart, append([]string{"events", "--json", "--last=100"}, args...)...)
	cmd.Dir, cmd.Env = s.cmd.Dir, append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 1000)
	go func() { // ends with the command
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e struct{ Hotstart string }
			json.Unmarshal(lines.Bytes(), &e)
			names <- e.Hotstart
		}
		close(names)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	awaitEvent(t, s, names, "serving")
	return names
}

// awaitEvent waits for an event, and drops those before it.
func awaitEvent(t testing.TB, s *session, events <-chan string, name string) {
	t.Helper()
	for late := time.After(timeout); ; {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the events end, and %q has not come", name)
			}
			if e == name {
				return
			}
		case <-late:
			t.Fatalf("the event %q has not come; output:\n%s", name, s.output())
		}
	}
}

// visitor sends navigations on a connection that it keeps.
type visitor struct {
	*http.Client
	url    string
	reused int // navigations that began on the kept connection
}

func newVisitor(url string) *visitor { return &visitor{Client: newHTTPClient(nil, true), url: url} }

// navigate is never repeated by the client, see request, except for a redirection.
func (v *visitor) navigate() (string, error) {
	r, err := http.NewRequest(http.MethodGet, v.url, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	first := true
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if first && c.Reused {
			v.reused++
		}
		first = false
	}}))
	return answerOf(v.Do(r))
}

// pair sends a request on a new connection, and a navigation on a kept one, at
// the same time. It returns the answers and the longer of the times.
func (w *waiting) pair(v *visitor) (answers [2]string, longest time.Duration) {
	var both sync.WaitGroup
	var took [2]time.Duration
	began := time.Now()
	for i, ask := range []func() (string, error){
		func() (string, error) { return request(w.client, http.MethodPost, v.url, "x") },
		v.navigate,
	} {
		both.Go(func() {
			answer, err := ask()
			if err != nil {
				w.Errorf("a request is lost: %v", err)
			}
			answers[i], took[i] = answer, time.Since(began)
		})
	}
	both.Wait()
	return answers, max(took[0], took[1])
}

// TestFresh edits a program. From the moment when hotstart lets clients wait, every
// request on a new connection and every navigation is answered by the edited
// program, or, if that does not build, by the old one.
func TestFresh(t *testing.T) {
	edits := cmp.Or(*reloadsFlag, 500)
	for _, test := range []struct {
		name  string
		edits int
		flags []string
	}{
		{"overlap", edits, nil},
		{"one worker at a time", max(edits/10, 10), []string{"--overlap=off"}},
		{"probe", max(edits/10, 10), []string{"--ready=http=http://ADDRESS"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFreshness(t, test.flags...)
			for n := 1; n <= test.edits && !t.Failed(); n++ {
				if n%10 == 0 {
					f.editThatFails(n)
				} else {
					f.editThatBuilds(n)
				}
			}
			t.Log(f)
			if f.strict.reused < test.edits {
				t.Errorf("%d of %d navigations were on a kept connection", f.strict.reused, test.edits)
			}
		})
	}
}

// freshness is the result of edits and of requests that follow them.
type freshness struct {
	*waiting
	events         <-chan string
	strict, atOnce *visitor // send requests when clients wait, and as soon as possible

	known          []time.Duration // from an edit until clients wait
	longest        time.Duration   // to an answer of the edited program
	longestFailure time.Duration   // to an answer after an edit that does not build
	early, fresh   int             // requests that were sent at once, and those of them with the new answer
}

// freshLimit is the maximum time that clients wait. Builds take less.
const freshLimit = 30 * time.Second

func newFreshness(t *testing.T, flags ...string) *freshness {
	t.Helper()
	w := newWaiting(t, append(flags, fmt.Sprint("--fresh=", freshLimit))...)
	url := "http://" + w.address
	f := &freshness{waiting: w, events: followEvents(t, w.session, w.env), strict: newVisitor(url), atOnce: newVisitor(url)}
	w.pair(f.strict)
	w.pair(f.atOnce)
	return f
}

func (f *freshness) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond / 10) }
	return fmt.Sprintf("%d edits; clients wait %v (median) after an edit; of %d requests sent at once, %d got the new answer; "+
		"the longest answer took %v, and %v after an edit that did not build",
		len(f.known), round(median(f.known)), f.early, f.fresh, round(f.longest), round(f.longestFailure))
}

func (f *freshness) answer() string { return f.parts[0] + "/" + f.parts[1] }

func (f *freshness) editThatBuilds(n int) {
	f.Helper()
	before := f.answer()
	f.edit(n%2, fmt.Sprint("edit", n), true)
	early, took := f.ask(n)
	f.longest = max(f.longest, took)
	for _, answer := range early {
		f.early++
		switch answer {
		case f.answer():
			f.fresh++
		case before:
		default:
			f.Errorf("edit %d: the early answer is %q, want %q or %q", n, answer, f.answer(), before)
		}
	}
}

func (f *freshness) editThatFails(n int) {
	f.Helper()
	f.save("broken.go", fmt.Sprintf("package main\n\nvar broken%d int = \"\"\n", n), true)
	_, took := f.ask(n)
	f.longestFailure = max(f.longestFailure, took)
	if took >= freshLimit {
		f.Errorf("edit %d: clients wait for the limit", n)
	}
	if err := os.Remove(filepath.Join(f.dir, "broken.go")); err != nil {
		f.Fatal(err)
	}
	awaitEvent(f, f.session, f.events, "holding")
	f.check(n, false)
}

// ask sends a pair of requests at once, and another pair when clients wait.
func (f *freshness) ask(n int) (early [2]string, took time.Duration) {
	f.Helper()
	var first sync.WaitGroup
	first.Go(func() { early, _ = f.pair(f.atOnce) })
	edited := time.Now()
	awaitEvent(f, f.session, f.events, "holding")
	f.known = append(f.known, time.Since(edited))
	answers, took := f.pair(f.strict)
	first.Wait()
	if want := f.answer(); answers != [2]string{want, want} {
		f.Errorf("edit %d: the answers are %q, want %q:\n%s", n, answers, want, f.session.output())
	}
	return early, took
}

// TestFreshEndsInTime has a rule that runs for far longer than clients wait.
func TestFreshEndsInTime(t *testing.T) {
	const limit, long = time.Second, 50 * time.Second
	w := newWaiting(t, fmt.Sprint("--fresh=", limit), fmt.Sprint("--rule=slow, +onchange: sleep ", long.Seconds()))
	events := followEvents(t, w.session, w.env)
	v := newVisitor("http://" + w.address)
	w.pair(v)
	old := w.parts[0] + "/" + w.parts[1]
	w.write(t, "slow", "")
	awaitEvent(t, w.session, events, "holding")
	for range 2 { // one after the other
		answers, took := w.pair(v)
		if answers != [2]string{old, old} || took < limit || took > long/4 {
			t.Errorf("the answers after %v are %q, want %q after %v", took, answers, old, limit)
		}
	}
}

// TestFreshInABrowser reloads pages after an edit by hand, on connections that the
// browser keeps.
func TestFreshInABrowser(t *testing.T) {
	control := ownControl(t)
	p, s, plain, tls := watchPages(t, "--fresh=1m", control)
	events := followEvents(t, s, nil, control)
	tabs, browser := map[string]tab{}, startChromium(t)
	for _, origin := range []string{plain, tls} {
		tabs[origin] = openTab(t, browser, origin)
		inTab(t, s, origin, tabs[origin], isText("first"))
	}
	p.setText(t, "second")
	awaitEvent(t, s, events, "holding")
	var loads sync.WaitGroup
	for origin, tab := range tabs {
		loads.Go(func() {
			if err := tab.navigate(origin); err != nil {
				t.Errorf("%s: %v", origin, err)
			}
		})
	}
	loads.Wait()
	for origin, tab := range tabs {
		inTab(t, s, origin, tab, isText("second")) // the script of the page may have reloaded it by then, too
	}
}
