package browser

import (
	"context"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// chromium is one browser for all tests: a start of it costs a second.
var chromium struct {
	start sync.Once
	ctx   context.Context
	err   error
	close func()
}

func startChromium() {
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		chromium.err = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox,
		chromedp.UserDataDir(dir), chromedp.Env("TMPDIR="+dir)) // it leaves files in TMPDIR
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	chromium.ctx, chromium.err = ctx, chromedp.Do(ctx)
	chromium.close = func() {
		chromedp.Cancel(ctx) // waits for the browser to end
		cancel()
		os.RemoveAll(dir)
	}
}

// tab opens a page in a browser context of its own, which ends with the test.
func tab(t *testing.T) context.Context {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("needs chromium, a package of Debian's")
	}
	chromium.start.Do(startChromium)
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	ctx, cancel := context.WithTimeout(chromium.ctx, 2*patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// until waits for an expression of JavaScript to be true.
func until(t *testing.T, ctx context.Context, expression string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`Boolean(`+expression+`)`))
		if ok {
			return
		}
		if time.Now().After(end) {
			now, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.documentElement.outerHTML"))
			t.Fatalf("never true: %s (%v) in %v", expression, err, now)
		}
	}
}

// app is a program whose page includes the script.
type app struct {
	*http.Server
	url     string
	version atomic.Int64
	color   atomic.Value
	loads   atomic.Int64 // of the page
}

func serveApp(t *testing.T, s *Server) *app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{url: "http://localhost:" + strings.Split(l.Addr().String(), ":")[1]}
	a.color.Store("red")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			a.loads.Add(1)
		}
		fmt.Fprintf(w, `<!doctype html><link rel=stylesheet href=/static/app.css><p id=version>%d</p><script src="%s/hotstart.js"></script>`, a.version.Load(), s.URL())
	})
	mux.HandleFunc("GET /static/app.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprintf(w, "p { color: %s }", a.color.Load())
	})
	a.Server = &http.Server{Handler: mux}
	go a.Serve(l)
	t.Cleanup(func() { a.Close() })
	return a
}

func realScript(t *testing.T) []byte {
	t.Helper()
	script, err := os.ReadFile("../../../../templates/browser/hotstart.js")
	if err != nil {
		t.Fatal(err)
	}
	return script
}

const overlay = `document.querySelector("hotstart-overlay")?.shadowRoot.textContent`

func TestBrowserFollowsTheProgram(t *testing.T) {
	ctx := tab(t)
	s := open(t)
	s.script = realScript(t)
	a := serveApp(t, s)
	s.Reload(time.Now()) // before the page is requested
	a.version.Store(1)
	do(t, ctx, chromedp.Navigate(a.url))
	until(t, ctx, `document.querySelector("#version").textContent === "1"`)

	// New code.
	a.version.Store(2)
	s.Reload(time.Now())
	until(t, ctx, `document.querySelector("#version").textContent === "2"`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.same = true`))

	// New styles: without a load.
	a.color.Store("rgb(1, 2, 3)")
	s.Restyle([]string{"/app/static/app.css"}, time.Now())
	until(t, ctx, `getComputedStyle(document.querySelector("p")).color === "rgb(1, 2, 3)"`)
	until(t, ctx, `document.querySelectorAll("link").length === 1 && window.same`)

	// A style sheet that the page does not name may be a part of another one.
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.same = true`))
	s.Restyle([]string{"/app/static/app.css", "/app/static/imported.css"}, time.Now())
	until(t, ctx, `window.hotstart && !window.same`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.same = true`))

	// A failure is shown as text, and vanishes when it is fixed.
	s.Show(&Failure{Title: "the build failed", Current: "still serving worker 1", At: 1, Problems: []Problem{
		{Place: "main.go:3:1", Message: "undefined: <img src=x onerror=document.title='bad'>", Frame: "> 3 | x := 1"}}, Output: "out"})
	for _, text := range []string{"the build failed", "still serving worker 1", "main.go:3:1: undefined: <img", "> 3 | x := 1", "out"} {
		until(t, ctx, overlay+fmt.Sprintf(`?.includes(%q)`, text))
	}
	until(t, ctx, `document.title !== "bad" && !document.querySelector("hotstart-overlay").shadowRoot.querySelector("img")`)
	s.Show(nil)
	until(t, ctx, `!document.querySelector("hotstart-overlay") && window.same`)

	// The user can hide it until the next failure.
	s.Show(&Failure{Title: "one", At: 2})
	until(t, ctx, overlay+`?.includes("one")`)
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}))`))
	until(t, ctx, `!document.querySelector("hotstart-overlay")`)
	s.Show(&Failure{Title: "two", At: 3})
	until(t, ctx, overlay+`?.includes("two")`)

	if loads := a.loads.Load(); loads != 3 {
		t.Errorf("%d loads of the page, not 3", loads)
	}
}

func TestBrowserHiddenPagesKeepNoConnection(t *testing.T) {
	ctx := tab(t)
	s := open(t)
	s.script = realScript(t)
	a := serveApp(t, s)
	do(t, ctx, chromedp.Navigate(a.url))
	until(t, ctx, `window.hotstart`)
	// The page believes that it is hidden: a headless browser does not hide pages.
	look := func(state string) chromedp.Action[chromedp.Void] {
		return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`Object.defineProperty(document, "visibilityState", {value: %q, configurable: true});
			document.dispatchEvent(new Event("visibilitychange"))`, state))
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.EventSource = class extends EventSource {
		constructor(url) { super(url); window.last = this; } }; 0`))
	do(t, ctx, look("visible"))
	until(t, ctx, `window.last?.readyState === EventSource.OPEN`)
	do(t, ctx, look("hidden"))
	until(t, ctx, `window.last.readyState === EventSource.CLOSED`)
	a.version.Store(1)
	s.Reload(time.Now())
	do(t, ctx, look("visible")) // it gets the news that it has missed
	until(t, ctx, `document.querySelector("#version").textContent === "1"`)
}

// ownApp is a program whose pages have the script from their own origin, and a strict policy.
type ownApp struct {
	url     string
	version atomic.Int64
	loads   atomic.Int64
	streams atomic.Int64
	cut     atomic.Pointer[context.CancelFunc] // ends the streams
}

func serveOwnApp(t *testing.T, s *Server) *ownApp {
	t.Helper()
	a := &ownApp{}
	ctx, cancel := context.WithCancel(context.Background())
	a.cut.Store(&cancel)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		a.loads.Add(1)
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'none'; style-src-attr 'unsafe-inline'")
		query := ""
		if r.URL.RawQuery == "old" && a.loads.Load() == 1 {
			query = "?old"
		}
		if r.URL.RawQuery == "form" {
			fmt.Fprint(w, `<!doctype html><body style="height: 5000px"><input name=a><input name=b>`)
		}
		fmt.Fprintf(w, `<!doctype html><p id=version>%d</p></html><script src="/.hotstart/hotstart.js%s" async></script>`, a.version.Load(), query)
	})
	mux.HandleFunc("GET /.hotstart/", s.ServeOwnOrigin)
	mux.HandleFunc("GET /.hotstart/events", func(w http.ResponseWriter, r *http.Request) {
		a.streams.Add(1)
		defer a.streams.Add(-1)
		own, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		s.ServeOwnOrigin(w, r.WithContext(own))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.url = "http://localhost:" + strings.Split(l.Addr().String(), ":")[1]
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	t.Cleanup(func() { server.Close(); cancel() })
	return a
}

func TestBrowserTabsShareOneConnectionOfTheirOrigin(t *testing.T) {
	first := tab(t)
	s := open(t)
	s.script = realScript(t)
	a := serveOwnApp(t, s)
	do(t, first, chromedp.Navigate(a.url))
	second, closeSecond := chromedp.NewContext(first)
	defer closeSecond()
	do(t, second, chromedp.Navigate(a.url))
	tabs := []context.Context{first, second}

	s.Show(&Failure{Title: "broken", At: 1})
	for _, ctx := range tabs {
		until(t, ctx, overlay+`?.includes("broken")`)
		until(t, ctx, `getComputedStyle(document.querySelector("hotstart-overlay").shadowRoot.querySelector("section")).borderTopWidth === "4px"`)
	}
	if n := a.streams.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	s.Show(nil)
	for _, ctx := range tabs {
		until(t, ctx, `!document.querySelector("hotstart-overlay")`)
	}

	// The stream ends with its worker: the next one tells the news.
	(*a.cut.Load())()
	a.version.Store(1)
	s.Reload(time.Now())
	for _, ctx := range tabs {
		until(t, ctx, `document.querySelector("#version").textContent === "1"`)
	}
	if n := a.loads.Load(); n != 4 {
		t.Errorf("%d loads of the page, not 4", n)
	}
}

func TestBrowserAnotherTabTakesTheConnection(t *testing.T) {
	first := tab(t)
	s := open(t)
	s.script = realScript(t)
	a := serveOwnApp(t, s)
	do(t, first, chromedp.Navigate("about:blank"))
	second, closeSecond := chromedp.NewContext(first)
	do(t, second, chromedp.Navigate(a.url))
	s.Show(&Failure{Title: "one", At: 1})
	until(t, second, overlay+`?.includes("one")`)
	do(t, first, chromedp.Navigate(a.url))
	until(t, first, overlay+`?.includes("one")`) // by the other tab
	closeSecond()
	s.Show(&Failure{Title: "two", At: 2})
	until(t, first, overlay+`?.includes("two")`)
}

func TestBrowserAPageOfAnOldWorkerReloadsAtOnce(t *testing.T) {
	ctx := tab(t)
	s := open(t)
	s.script = realScript(t)
	a := serveOwnApp(t, s)
	do(t, ctx, chromedp.Navigate(a.url+"/?old"))
	until(t, ctx, `document.querySelector("script").getAttribute("src") === "/.hotstart/hotstart.js"`)
	if n := a.loads.Load(); n != 2 {
		t.Errorf("%d loads of the page, not 2", n)
	}
}

func TestBrowserKeepsScrollPositionTypedTextAndFocus(t *testing.T) {
	ctx := tab(t)
	s := open(t)
	s.script = realScript(t)
	a := serveOwnApp(t, s)
	do(t, ctx, chromedp.Navigate(a.url+"/?form"))
	until(t, ctx, `window.hotstart`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("input[name=b]"), "typed"))
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`scrollTo(0, 700)`))
	until(t, ctx, `scrollY === 700 && document.activeElement.name === "b"`)
	a.version.Store(1)
	s.Reload(time.Now())
	until(t, ctx, `document.querySelector("#version").textContent === "1"`)
	until(t, ctx, `scrollY === 700`)
	until(t, ctx, `document.querySelector("input[name=b]").value === "typed"`)
	until(t, ctx, `document.activeElement.name === "b" && document.activeElement.selectionStart === 5`)
}

// The page in place of the program goes when the program comes, on the same
// socket, and changes when something else is wrong.
func TestBrowserLeavesThePageForTheProgram(t *testing.T) {
	ctx := tab(t)
	html, err := template.ParseFiles("../../../../templates/browser/error.html")
	if err != nil {
		t.Fatal(err)
	}
	p := NewPage(html)
	defer p.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var there atomic.Bool
	program := taken{&Page{conns: make(chan net.Conn), ended: make(chan struct{})}}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<p>the program")
	})}
	go server.Serve(program)
	defer server.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if !there.Load() {
				go p.Take(c)
				continue
			}
			select {
			case program.conns <- c:
			case <-program.ended: // the browser still connects when the test ends
				c.Close()
			}
		}
	}()
	p.Show(&Failure{Title: "the build failed", Current: "no worker runs", At: 1, Problems: []Problem{
		{Place: "main.go:3:1", Message: "undefined: <x>", Frame: "> 3 | x()"}}})
	do(t, ctx, chromedp.Navigate("http://"+l.Addr().String()))
	until(t, ctx, `document.body.innerText.includes("main.go:3:1: undefined: <x>\n> 3 | x()")`)
	p.Show(&Failure{Title: "it ended", Current: "no worker runs", At: 2})
	until(t, ctx, `document.title === "it ended"`)
	there.Store(true)
	p.Show(nil)
	until(t, ctx, `document.body.innerText === "the program"`)
}
