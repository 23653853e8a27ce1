package browser

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// faulty is a page with errors in its own scripts, and a script in another file.
const faulty = `<!doctype html><html><head>TAG</head><body>
<script>console.error("inline %s, %d%%", {a: 1}, 5, null)</script>
<script>undefinedName()</script>
<script src="/app.js"></script>
</body></html>
`

const faultyScript = `console.error(new TypeError("caught\x1b[2J\nhere"))
Promise.reject(new RangeError("rejected"))
const circle = {}; circle.self = circle
console.error("a", circle, [1])
`

func TestBrowserErrorsAreReported(t *testing.T) {
	log, err := os.ReadFile("../../../../templates/browser/log.js")
	if err != nil {
		t.Fatal(err)
	}
	ctx := tab(t)
	for _, own := range []bool{true, false} {
		t.Run(fmt.Sprintf("own origin %v", own), func(t *testing.T) {
			s := open(t)
			s.script = slices.Concat(log, realScript(t))
			got := logErrors(s)
			address := s.URL()
			if own {
				address = "/.hotstart"
			}
			url := serveFaulty(t, s, strings.Replace(faulty, "TAG", fmt.Sprintf(`<script src="%s/hotstart.js"></script>`, address), 1))
			do(t, ctx, chromedp.Navigate(url))
			for _, want := range []string{
				`/:2:\d+: inline {"a":1}, 5% null`,
				`/:3:\d+: Uncaught ReferenceError: undefinedName is not defined`,
				`/app.js:1:\d+: TypeError: caught\x1b\[2J\nhere`,
				`/app.js:2:\d+: Uncaught \(in promise\) RangeError: rejected`,
				`/app.js:4:\d+: a \[object Object\] \[1\]`,
			} {
				awaitError(t, got, want)
			}
			endSecond(t, ctx, s)
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.body.append(Object.assign(new Image(), {src: "/none.png"})); setTimeout(() => { null.x }); 0`))
			awaitError(t, got, `:0:0: can't load http://localhost:\d+/none.png`)
			awaitError(t, got, `.*: Uncaught TypeError: Cannot read properties of null`)

			// A page that fails in a loop sends little.
			endSecond(t, ctx, s)
			const errors = 2000 // each costs a message of the browser's protocol, too
			do(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`for (let i = 0; i < %d; i++) console.error({i})`, errors)))
			awaitOut(t, got, errors-maxErrors)
			if n := len(got.all()); n != 7+maxErrors {
				t.Errorf("%d errors are reported", n)
			}
		})
	}
}

// endSecond waits until neither the page nor the server counts errors of an earlier second.
func endSecond(t *testing.T, ctx context.Context, s *Server) {
	t.Helper()
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => { window.later = true }, 1001); window.later = false`))
	until(t, ctx, `window.later`)
	for counting := true; counting; time.Sleep(10 * time.Millisecond) {
		s.errors.mu.Lock()
		counting = s.errors.counting
		s.errors.mu.Unlock()
	}
}

func (l *logged) left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out
}

func awaitOut(t *testing.T, l *logged, want int) {
	t.Helper()
	for end := time.Now().Add(patience); l.left() != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d errors are left out, want %d", l.left(), want)
		}
	}
}

func awaitError(t *testing.T, l *logged, want string) {
	t.Helper()
	pattern := regexp.MustCompile(`^` + want)
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var all []string
		for _, e := range l.all() {
			all = append(all, fmt.Sprintf("%s:%d:%d: %s", e.Source, e.Line, e.Column, e.Text))
		}
		if slices.ContainsFunc(all, pattern.MatchString) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("never reported: %s; reported: %q", want, all)
		}
	}
}

// serveFaulty serves a page behind s.
func serveFaulty(t *testing.T, s *Server, page string) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, page) })
	mux.HandleFunc("GET /app.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, faultyScript)
	})
	mux.HandleFunc("/.hotstart/", s.ServeOwnOrigin)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "http://localhost:" + strings.Split(l.Addr().String(), ":")[1]
}
