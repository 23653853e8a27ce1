package inject

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

const tag = `<script src="/.hotstart/hotstart.js"></script>`

const (
	doctype = "<!doctype html>"
	page    = doctype + "<title>t</title><p>hello"
	tagged  = doctype + tag + "<title>t</title><p>hello"
)

// Places of the tag.
const (
	nowhere = iota
	inHead  // after the first doctype
	atEnd
)

// document has the headers of a navigation.
var document = http.Header{"Sec-Fetch-Dest": {"document"}, "Accept-Encoding": {"gzip"}}

// serve serves a handler, behind pages unless they are nil, by HTTP/1 or HTTP/2.
func serve(t *testing.T, pages *hotstartPages, handler http.HandlerFunc, http2 bool) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	if pages != nil {
		s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages.serve(handler, w, r) })
	}
	s.Config.ErrorLog = nil
	s.EnableHTTP2 = http2
	if http2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// answer is what a client gets.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func get(t *testing.T, s *httptest.Server, method string, header http.Header) (a answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/page", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header.Clone()
	client := s.Client()
	client.Transport.(*http.Transport).DisableCompression = true
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	response.Header.Del("Date")
	return answer{response.StatusCode, response.Header, string(body), err}
}

// handlers answer a navigation.
var handlers = []struct {
	name    string
	place   int
	handler http.HandlerFunc
}{
	{"no Content-Type", inHead, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, page) }},
	{"Content-Type", atEnd, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "Text/HTML ; charset=utf-8")
		io.WriteString(w, "hello")
	}},
	{"a Content-Type that is text", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, page)
	}},
	{"XHTML", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xhtml+xml")
		io.WriteString(w, page)
	}},
	{"no Content-Type by intention", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, page)
	}},
	{"JSON", nowhere, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"html": "<p>"}`) }},
	{"no body", nowhere, func(w http.ResponseWriter, r *http.Request) {}},
	{"a status", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, page)
	}},
	{"a status twice", atEnd, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusNoContent)
	}},
	{"early hints", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, page)
	}},
	{"status 204", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNoContent)
	}},
	{"a redirect", nowhere, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }},
	{"an error", nowhere, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<p>", http.StatusInternalServerError) }},
	{"Content-Length", atEnd, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, page[:9])
		w.Write([]byte(page[9:]))
	}},
	{"Content-Length without a type", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		io.WriteString(w, page)
	}},
	{"less than Content-Length", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(page)+1))
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
	}},
	{"more than Content-Length", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
		w.Write([]byte("more"))
	}},
	{"a strong ETag", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, page)
	}},
	{"a weak ETag", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `W/"1"`)
		io.WriteString(w, page)
	}},
	{"small parts", atEnd, func(w http.ResponseWriter, r *http.Request) {
		for _, b := range []byte("\n\n" + page) {
			w.Write([]byte{b})
		}
	}},
	{"a small part, and the rest", inHead, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, doctype)
		io.WriteString(w, strings.TrimPrefix(page, doctype))
	}},
	{"a fragment", atEnd, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<p>"+page) }},
	{"a comment first", atEnd, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<!-- "+page+" -->") }},
	{"a large string", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(page)<<14))
		io.WriteString(w, strings.Repeat(page, 1<<14))
	}},
	{"small parts of text", nowhere, func(w http.ResponseWriter, r *http.Request) {
		for _, b := range []byte("\n\nhello <html>") {
			w.Write([]byte{b})
		}
	}},
	{"flushed parts", inHead, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page)
		w.(http.Flusher).Flush()
		http.NewResponseController(w).Flush()
		io.WriteString(w, page)
	}},
	{"text, flushed before it becomes a page", nowhere, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "\n")
		w.(http.Flusher).Flush()
		io.WriteString(w, page)
	}},
	{"a header, flushed", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		io.WriteString(w, page)
	}},
	{"a large page", inHead, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page+strings.Repeat("x", 1<<20))
	}},
	{"a copied page", inHead, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, strings.NewReader(page+strings.Repeat("x", 1<<17)))
	}},
	{"a copied small page", inHead, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, strings.NewReader(page)) }},
	{"copied text", nowhere, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, strings.NewReader(strings.Repeat("x", 1<<17)))
	}},
	{"a file", inHead, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "index.html", time.Unix(1e9, 0), strings.NewReader(page))
	}},
	{"a file that the browser has", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		r.Header.Set("If-None-Match", `W/"1"`)
		http.ServeContent(w, r, "index.html", time.Unix(1e9, 0), strings.NewReader(page))
	}},
	{"a part of a file", nowhere, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Range", "bytes=1-9")
		http.ServeContent(w, r, "index.html", time.Unix(1e9, 0), strings.NewReader(page))
	}},
	{"a download", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", "attachment")
		io.WriteString(w, page)
	}},
	{"no-transform", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache, no-transform")
		io.WriteString(w, page)
	}},
	{"a page that is compressed anyway", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/html")
		z := gzip.NewWriter(w)
		io.WriteString(z, page)
		z.Close()
	}},
	{"an event stream", nowhere, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: <p>\n\n")
	}},
	{"a tag of its own", nowhere, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page+`<script src="http://localhost:35729/hotstart.js"></script>`)
	}},
	{"a tag of its own, later", nowhere, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "<p>")
		io.WriteString(w, `<script src="http://localhost:35729/hotstart.js"></script>`)
	}},
	{"a tag of its own after that of the head", inHead, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page)
		io.WriteString(w, `<script src="http://localhost:35729/hotstart.js"></script>`) // it does nothing
	}},
	{"a handler that panics", inHead, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, page)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}},
}

func TestPagesAreTheSameButForTheTag(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, test := range handlers {
			if http2 && strings.HasPrefix(test.name, "more than") {
				continue // net/http sends a broken answer; the page has no room for more
			}
			t.Run(fmt.Sprintf("HTTP2=%v/%s", http2, test.name), func(t *testing.T) {
				want := get(t, serve(t, nil, test.handler, http2), "GET", nil)
				got := get(t, serve(t, hotstartNewPages(""), test.handler, http2), "GET", document)
				if want.err != nil && want.header["Content-Length"] != nil { // an incomplete page stays incomplete
					want.header.Set("Content-Length", strconv.Itoa(len(page)+1+len(tag)))
				}
				if test.place == inHead {
					want.body = strings.Replace(want.body, doctype, doctype+tag, 1)
				}
				if test.place == atEnd {
					want.body += tag
				}
				if test.place != nowhere && want.err == nil {
					if length := want.header.Get("Content-Length"); length != "" && len(got.header["Content-Length"]) > 0 {
						want.header.Set("Content-Length", strconv.Itoa(len(want.body)))
					}
					if etag := want.header.Get("Etag"); etag != "" {
						want.header.Set("Etag", "W/"+strings.TrimPrefix(etag, "W/"))
					}
				}
				if (got.err == nil) != (want.err == nil) {
					t.Fatalf("error %v, want %v", got.err, want.err)
				}
				if got.status != want.status || got.body != want.body || !reflect.DeepEqual(got.header, want.header) {
					t.Errorf("%d %v %.300q %v\nwant\n%d %v %.300q %v", got.status, got.header, got.body, got.err, want.status, want.header, want.body, want.err)
				}
			})
		}
	}
}

func TestOnlyNavigationsGetATag(t *testing.T) {
	const html, browser = "text/html,application/xhtml+xml,*/*;q=0.8", "Mozilla/5.0 (X11; Linux x86_64)"
	s := serve(t, hotstartNewPages(""), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Encodings", r.Header.Get("Accept-Encoding"))
		io.WriteString(w, page)
	}, false)
	for _, test := range []struct {
		header   string // of the request: lines
		injected bool
	}{
		{"Sec-Fetch-Dest: document", true},
		{"Sec-Fetch-Dest: document\nSec-Purpose: prefetch;prerender", true}, // the browser may show it later
		{"Sec-Fetch-Dest: document\nRange: bytes=0-", false},
		{"Sec-Fetch-Dest: document\nUpgrade: h2c", false},
		{"Sec-Fetch-Dest: empty\nAccept: " + html + "\nUser-Agent: " + browser, false},
		{"Sec-Fetch-Dest: iframe", false},
		{"Accept: " + html + "\nUser-Agent: " + browser, true},
		{"Accept: " + html, false},
		{"Accept: */*\nUser-Agent: " + browser, false},
		{"Accept: " + html + "\nUser-Agent: " + browser + "\nHX-Request: true", false},
		{"Accept: " + html + "\nUser-Agent: " + browser + "\nDatastar-Request: true", false},
		{"Accept: " + html + "\nUser-Agent: " + browser + "\nTurbo-Frame: a", false},
		{"Accept: " + html + "\nUser-Agent: " + browser + "\nX-Requested-With: XMLHttpRequest", false},
		{"Accept: " + html + "\nUser-Agent: " + browser + "\nSec-Purpose: prefetch", false},
		{"", false},
	} {
		header := http.Header{"Accept-Encoding": {"gzip, br"}, "User-Agent": {"curl/8"}}
		for line := range strings.Lines(test.header) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			header.Set(name, value)
		}
		for _, method := range []string{"GET", "HEAD", "POST"} {
			got := get(t, s, method, header)
			injected := test.injected && method == "GET"
			want := page
			if injected {
				want = tagged
			}
			if method != "HEAD" && got.body != want {
				t.Errorf("%s with %q: %q", method, test.header, got.body)
			}
			if untouched := got.header.Get("Encodings") == "gzip, br"; untouched == injected {
				t.Errorf("%s with %q: Accept-Encoding is %q", method, test.header, got.header.Get("Encodings"))
			}
		}
	}
}

func TestOtherRequestsKeepTheirWriterAndTheirRequest(t *testing.T) {
	pages := hotstartNewPages("")
	var outer [2]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		outer = [2]any{w, r}
		pages.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, any(w) == outer[0] && any(r) == outer[1])
		}), w, r)
	}))
	defer s.Close()
	if got := get(t, s, "GET", nil); got.body != "true" {
		t.Error(got)
	}
	if got := get(t, s, "GET", document); got.body != "false" {
		t.Errorf("a navigation: %v", got)
	}
}

// A program that asserts an interface, by name or not, finds it if and only if it is there without hotstart.
func TestTheWriterHasTheMethodsOfTheInnerOne(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			_, page := hotstartNewPages("").wrap(w)
			if page == nil {
				t.Errorf("HTTP2=%v: %T is not wrapped: it has %q", http2, w, reflect.TypeOf(w))
				return
			}
			for _, is := range []func(http.ResponseWriter) bool{
				func(w http.ResponseWriter) bool { _, ok := w.(http.Flusher); return ok },
				func(w http.ResponseWriter) bool { _, ok := w.(http.Hijacker); return ok },
				func(w http.ResponseWriter) bool { _, ok := w.(http.Pusher); return ok },
				func(w http.ResponseWriter) bool { _, ok := w.(io.ReaderFrom); return ok },
				func(w http.ResponseWriter) bool { _, ok := w.(io.StringWriter); return ok },
			} {
				if is(w) != is(page) {
					t.Errorf("HTTP2=%v: %T differs from %T", http2, page, w)
				}
			}
			with, without := reflect.TypeOf(page), reflect.TypeOf(w)
			for i := range without.NumMethod() {
				if name := without.Method(i).Name; !hasMethod(with, name) {
					t.Errorf("HTTP2=%v: no method %s", http2, name)
				}
			}
			for i := range with.NumMethod() {
				if name := with.Method(i).Name; name != "Unwrap" && !hasMethod(without, name) {
					t.Errorf("HTTP2=%v: an additional method %s", http2, name)
				}
			}
		}, http2)
		if got := get(t, s, "GET", nil); got.err != nil || got.status != 200 {
			t.Error(got)
		}
	}
}

func hasMethod(of reflect.Type, name string) bool {
	_, ok := of.MethodByName(name)
	return ok
}

func TestResponseControllerWorks(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := serve(t, hotstartNewPages(""), func(w http.ResponseWriter, r *http.Request) {
			c := http.NewResponseController(w)
			if err := errors.Join(c.Flush(), c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Now().Add(time.Hour)), c.EnableFullDuplex()); err != nil {
				t.Errorf("HTTP2=%v: %v", http2, err)
			}
			if !http2 {
				return
			}
			if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("Hijack: %v", err)
			}
		}, http2)
		if got := get(t, s, "GET", document); got.err != nil {
			t.Error(got.err)
		}
	}
}

// The handler writes to the connection itself: nothing is added.
func TestAHijackedConnectionGetsNoTag(t *testing.T) {
	s := serve(t, hotstartNewPages(""), func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n%s", page)
	}, false)
	if got := get(t, s, "GET", document); got.err != nil || got.body != page {
		t.Error(got)
	}
}

// A part that the handler has flushed arrives before the handler ends.
func TestAPageIsStreamed(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		read := make(chan bool)
		s := serve(t, hotstartNewPages(""), func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				io.WriteString(w, page)
				w.(http.Flusher).Flush()
				<-read
			}
		}, http2)
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
		r.Header = document
		response, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		for _, want := range []string{tagged, page, page} {
			got := make([]byte, len(want))
			if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
				t.Errorf("HTTP2=%v: %q, %v", http2, got, err)
			}
			read <- true
		}
		if rest, err := io.ReadAll(response.Body); len(rest) > 0 || err != nil {
			t.Errorf("HTTP2=%v: %q, %v", http2, rest, err)
		}
	}
}

// net/http gives a file to sendfile(2) only by its own ReadFrom.
func TestAFileIsCopiedByNetHTTP(t *testing.T) {
	name := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(name, bytes.Repeat([]byte(page), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	copied := make(chan int64, 1) // the handler ends after the client has read all
	s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
		inner := countReads{hotstartWriter1: w.(hotstartWriter1)}
		hotstartNewPages("").serve(http.FileServer(http.Dir(filepath.Dir(name))), &inner, r)
		copied <- inner.read
	}, false)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/page.html", nil)
	r.Header = document
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want, read := int64(len(page)<<16), <-copied
	if int64(len(body)) != want+int64(len(tag)) || read != want-hotstartSniffSize || response.ContentLength != int64(len(body)) {
		t.Errorf("%d bytes of %d, %d read", len(body), response.ContentLength, read)
	}
}

type countReads struct {
	hotstartWriter1
	read int64
}

func (c *countReads) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.hotstartWriter1.ReadFrom(r)
	c.read += n
	return n, err
}

func TestThePlaceOfTheTag(t *testing.T) {
	for _, test := range []struct{ before, after string }{
		{"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">\n<HTML lang=en>\n<Head\tid=a>", "<title>t</title>"},
		{"\n <!doctype html>", "<header>t</header>"},
		{"<html><head>", "<title>t</title>"},
		{"<!doctype html>\r\n<html lang=\"en\">", "<body>"},
		{"<!doctype html>", "<!-- <html><head> -->"},
		{"<!doctype html>", "<html lang="}, // the end of the tag comes later
		{"", "<!doctype html"},
		{"", "<!doctypehtml>"},
		{"", "<header>"},
		{"", "<!-- a --><!doctype html>"},
		{"", "<p>t"},
		{"", "<"},
		{"", ""},
	} {
		if got := hotstartHead([]byte(test.before + test.after)); got != len(test.before) {
			t.Errorf("%q: %d, want %d", test.before+test.after, got, len(test.before))
		}
	}
}

func TestTheTagHasTheNonceOfThePolicy(t *testing.T) {
	for policy, want := range map[string]string{
		"":                          "",
		"default-src 'self'":        "",
		"script-src 'nonce-abc='":   ` nonce="abc="`,
		"default-src 'nonce-d'":     ` nonce="d"`,
		"script-src 'nonce-a\"><b'": "",
		"script-src 'nonce-":        "",
		"style-src 'nonce-s'; script-src 'strict-dynamic' 'nonce-r4nd/+' https:": ` nonce="r4nd/+"`,
	} {
		s := serve(t, hotstartNewPages("127.0.0.1:1"), func(w http.ResponseWriter, r *http.Request) {
			if policy != "" {
				w.Header().Set("Content-Security-Policy", policy)
			}
			io.WriteString(w, page)
		}, false)
		if got := get(t, s, "GET", document).body; got != strings.Replace(tagged, "></script>", want+"></script>", 1) {
			t.Errorf("%s: %s", policy, got)
		}
	}
}

// A page of a worker that drains is old: it must not stay in a cache.
func TestAnOldPageReloadsAtOnce(t *testing.T) {
	pages := hotstartNewPages("")
	s := serve(t, pages, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, page)
	}, false)
	if got := get(t, s, "GET", document); got.body != tagged || got.header.Get("Cache-Control") != "max-age=60" {
		t.Error(got)
	}
	pages.drain()
	got := get(t, s, "GET", document)
	if !strings.Contains(got.body, `<script src="/.hotstart/hotstart.js?old"></script>`) || got.header.Get("Cache-Control") != "no-store" {
		t.Error(got)
	}
}

// BenchmarkServe measures what a request costs more: one that is not a navigation, and a large page.
func BenchmarkServe(b *testing.B) {
	large := bytes.Repeat([]byte(page), 5<<20/len(page))
	for _, bench := range []struct {
		name   string
		header string
		body   []byte
	}{{"json", "", []byte(`{"a": 1}`)}, {"page of 5 MB", "Sec-Fetch-Dest: document\r\n", large}} {
		for _, pages := range []*hotstartPages{nil, hotstartNewPages("")} {
			b.Run(fmt.Sprintf("%s/injecting=%v", bench.name, pages != nil), func(b *testing.B) {
				handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(bench.body) })
				s := httptest.NewUnstartedServer(handler)
				if pages != nil {
					s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pages.serve(handler, w, r) })
				}
				s.Start()
				defer s.Close()
				conn, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				in := bufio.NewReaderSize(conn, 1<<16)
				for b.Loop() {
					io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n"+bench.header+"\r\n")
					response, err := http.ReadResponse(in, nil)
					if err != nil {
						b.Fatal(err)
					}
					io.Copy(io.Discard, response.Body)
				}
			})
		}
	}
}
