//go:build e2e && linux

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// requirements of the program pages.
const pagesRequire = `require (
	github.com/a-h/templ v0.3.1100
	github.com/gin-gonic/gin v1.12.0
	github.com/go-chi/chi/v5 v5.5.0
	github.com/labstack/echo/v4 v4.16.0
	golang.org/x/net v0.62.0
)`

// pagePaths are the pages of the program that reload, with the title that each page gets by what it does.
var pagePaths = map[string]string{
	"/": "page", "/template": "page", "/templ": "page", "/gzip": "page", "/nonce": "page", "/self": "page", "/meta": "page", "/file": "page", "/gin": "page",
	"/echo": "page", "/chi": "page", "/sse": "event", "/ws": "message hello", "/htmx": "fragment",
}

// watchPages runs the program pages.
func watchPages(t *testing.T, flags ...string) (p *project, s *session, first, second string) {
	t.Helper()
	p = newProject(t, "pages", pagesRequire)
	p.run(t, "go", "mod", "tidy")
	p.writeCertificate(t)
	p.write(t, "style.css", "p { color: rgb(1, 2, 3) }\n")
	p.run(t, "go", "build", "-o", "/dev/null")
	first, second = freeAddress(t), freeAddress(t)
	s = watch(t, p, nil, []string{"ADDRESS=" + first, "SECOND=" + second}, flags...)
	for _, address := range []string{first, second} {
		if err := s.await("to listen on "+address, func() bool {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				conn.Close()
			}
			return err == nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return p, s, "http://" + first, "https://" + second
}

func isText(text string) string {
	return fmt.Sprintf(`document.querySelector("#text")?.textContent === %q`, text)
}

// TestPages opens pages of many kinds in a browser, and edits the program.
func TestPages(t *testing.T) {
	t.Run("Chromium", func(t *testing.T) { testPages(t, startChromium(t)) })
	t.Run("Firefox", func(t *testing.T) { testPages(t, startFirefox(t)) })
}

func testPages(t *testing.T, browser browser) {
	control := ownControl(t)
	p, s, plain, tls := watchPages(t, control)
	tabs := map[string]tab{}
	for path, title := range pagePaths {
		tab := openTab(t, browser, plain+path)
		tabs[plain+path] = tab
		inTab(t, s, path, tab, isText("first"))
		inTab(t, s, path, tab, `window.hotstart`)
		inTab(t, s, path, tab, fmt.Sprintf(`document.title.startsWith(%q)`, title))
	}
	for _, path := range []string{"/", "/template", "/gzip", "/file"} {
		tab := openTab(t, browser, tls+path)
		tabs[tls+path] = tab
		inTab(t, s, path, tab, isText("first"))
		inTab(t, s, path, tab, `window.hotstart && performance.getEntriesByType("navigation")[0].nextHopProtocol === "h2"`)
	}
	if n := strings.Count(s.output(), "reload by themselves (--browser=off"); n != 1 {
		t.Errorf("%d lines say that pages reload:\n%s", n, s.output())
	}

	p.setText(t, "second")
	for name, tab := range tabs {
		inTab(t, s, name, tab, isText("second"))
		inTab(t, s, name, tab, `window.hotstart`)
	}
	const overlay = `document.querySelector("hotstart-overlay")?.shadowRoot.textContent`
	p.write(t, "broken.go", "package main\n\nvar x = undefined\n")
	for name, tab := range tabs {
		inTab(t, s, name, tab, overlay+`?.includes("undefined: undefined")`)
	}
	p.write(t, "broken.go", "package main\n")
	for name, tab := range tabs {
		inTab(t, s, name, tab, `!document.querySelector("hotstart-overlay")`)
	}

	// A page whose embedded style sheet changes keeps its state, until code changes.
	styled := openTab(t, browser, plain+"/styled")
	color := func(text string) string {
		return fmt.Sprintf(`getComputedStyle(document.querySelector("p")).color === %q`, text)
	}
	inTab(t, s, "/styled", styled, `window.hotstart && `+color("rgb(1, 2, 3)"))
	inTab(t, s, "/styled", styled, `window.same = true`)
	p.write(t, "style.css", "p { color: rgb(3, 2, 1) }\n")
	inTab(t, s, "/styled", styled, color("rgb(3, 2, 1)")+` && window.same`)
	p.setText(t, "third")
	inTab(t, s, "/styled", styled, isText("third")+` && !window.same`)

	// Pages that block the script, and its connection.
	blocked := openTab(t, browser, plain+"/blocked")
	inTab(t, s, "/blocked", blocked, `!window.hotstart && document.querySelector("script")`)
	openTab(t, browser, plain+"/blocked-meta")
	openTab(t, browser, plain+"/faulty")
	for _, line := range []string{"script-src 'none'", "connect-src 'none' (in a <meta> element)", "browser: /faulty:3:", `: \x1b[2Jfault 1`} {
		if err := s.await("to write "+line, func() bool { return strings.Contains(s.output(), line) }); err != nil {
			t.Error(err)
		}
	}
	awaitEvent(t, s, followEvents(t, s, nil, control), "page_error")
}

// TestPagesAreTheSame compares a navigation with the same request of another client.
func TestPagesAreTheSame(t *testing.T) {
	_, _, plain, tls := watchPages(t)
	client := newHTTPClient(nil, true)
	client.Transport.(*http.Transport).DisableCompression = true
	get := func(url, header string) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip")
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.Set(name, value)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if response.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		return response, body
	}
	const document = "Sec-Fetch-Dest: document"
	paths := []string{"/large", "/blocked", "/blocked-meta"}
	for path := range pagePaths {
		paths = append(paths, path)
	}
	for _, origin := range []string{plain, tls} {
		for _, path := range paths {
			_, want := get(origin+path, "")
			response, got := get(origin+path, document)
			tag := `<script src="/.hotstart/hotstart.js"></script>`
			if path == "/nonce" {
				tag = `<script src="/.hotstart/hotstart.js" nonce="r4nd"></script>`
			}
			before, after, found := bytes.Cut(got, []byte(tag))
			if rest, ok := bytes.CutPrefix(want, before); !found || !ok || !bytes.Equal(rest, after) {
				t.Errorf("%s: %d bytes (%x), want %d (%x) and the tag; it begins with %q", origin+path, len(got), sha256.Sum256(got), len(want), sha256.Sum256(want), got[:min(len(got), 200)])
			}
			if response.Header.Get("Content-Encoding") != "" || response.ContentLength >= 0 && response.ContentLength != int64(len(got)) {
				t.Errorf("%s: %v", origin+path, response.Header)
			}
		}
		for header, want := range map[string]int{
			document + "\nRange: bytes=1-9":           http.StatusPartialContent,
			document + "\nIf-None-Match: W/\"first\"": http.StatusNotModified,
		} {
			if response, got := get(origin+"/file", header); response.StatusCode != want || bytes.Contains(got, []byte(".hotstart")) {
				t.Errorf("%q: %s %q", header, response.Status, got)
			}
		}
		if _, got := get(origin+"/json", document); string(got) != `{"text": "<p>"}` {
			t.Errorf("JSON: %q", got)
		}
	}
}

// TestLosslessWithPages reloads a server under load while a browser shows its pages.
func TestLosslessWithPages(t *testing.T) {
	_, s, plain, tls := watchPages(t)
	browser := startChromium(t)
	var tabs []tab
	for i := range 20 {
		origin := plain
		if i%4 == 0 {
			origin = tls
		}
		tab := openTab(t, browser, origin)
		inTab(t, s, origin, tab, `window.hotstart`)
		tabs = append(tabs, tab)
	}
	var streams, ends atomic.Int64 // of pages without locks: a connection each
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 10 {
		go follow(ctx, plain+"/.hotstart/events", &streams, &ends) // ends with the test
	}
	reloads := max(*reloadsFlag, 20)
	for _, c := range reloadUnderLoad(t, s, echoClients(nil, plain, tls), 8, reloads, *requestsFlag) {
		t.Logf("%s: %d of %d requests lost over %d reloads; the longest took %v", c.name, c.lost.Load(), c.asked.Load(), reloads, time.Duration(c.longest.Load()))
		if c.lost.Load() > 0 {
			t.Fail()
		}
	}
	t.Logf("%d streams of events, %d errors", streams.Load(), ends.Load())
	if streams.Load() < int64(reloads) || ends.Load() > 0 {
		t.Errorf("%d streams of events, %d errors", streams.Load(), ends.Load())
	}
	for _, tab := range tabs {
		inTab(t, s, "a page", tab, `window.hotstart && `+isText("first"))
	}
}

// follow reads streams of events, one after the other.
func follow(ctx context.Context, url string, streams, failed *atomic.Int64) {
	client := &http.Client{}
	for ctx.Err() == nil {
		r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		response, err := client.Do(r)
		if err == nil {
			streams.Add(1)
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		if err != nil && ctx.Err() == nil {
			failed.Add(1)
		}
	}
}
