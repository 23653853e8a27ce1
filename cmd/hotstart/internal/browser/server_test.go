package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(allTests{m}) }

// allTests closes the browser after the tests.
type allTests struct{ *testing.M }

func (m allTests) Run() int {
	code := m.M.Run()
	if chromium.close != nil {
		chromium.close()
	}
	return code
}

const patience = 30 * time.Second

// open makes a server that ends with the test.
func open(t *testing.T) *Server {
	t.Helper()
	s, err := Listen(0, []byte("script"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve() }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return s
}

func ask(t *testing.T, url, host, origin string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestOnlyPagesOfThisMachineAreAnswered(t *testing.T) {
	s := open(t)
	for _, test := range []struct {
		host, origin string
		status       int
	}{
		{"", "", 200},
		{"127.0.0.1:1", "http://localhost:8080", 200},
		{"[::1]", "https://[::1]:8443", 200},
		{"app.localhost", "http://app.localhost:3000", 200},
		{"evil.example", "", 403},
		{"localhost.evil.example", "", 403},
		{"", "http://evil.example", 403},
		{"", "http://192.168.1.2:8080", 403},
		{"", "null", 403},
		{"", "file://", 403},
		{"", "http://localhost@evil.example", 403},
	} {
		answer := ask(t, s.URL()+"/hotstart.js", test.host, test.origin)
		if answer.StatusCode != test.status {
			t.Errorf("host %q, origin %q: %s", test.host, test.origin, answer.Status)
		}
		if got := answer.Header.Get("Access-Control-Allow-Origin"); test.status == 200 && got != test.origin {
			t.Errorf("origin %q may read as %q", test.origin, got)
		}
	}
}

func TestOnlyThisMachineIsListenedOn(t *testing.T) {
	for _, l := range open(t).listeners {
		if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("%v", l.Addr())
		}
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	if s, err := Listen(portOf(open(t).listeners[0]), nil); !isInUse(err) {
		t.Errorf("%v, %v", s, err)
	}
}

// A host may have IPv4 or IPv6 alone, and a port may be free for one of them alone.
func TestLoopbacks(t *testing.T) {
	const off, taken = syscall.EADDRNOTAVAIL, syscall.EADDRINUSE
	for _, test := range []struct {
		name      string
		port      int
		four, six error
		want      int // listeners
		err       error
	}{
		{"both", 0, nil, nil, 2, nil},
		{"IPv4 alone", 0, nil, off, 1, nil},
		{"IPv6 alone", 0, off, nil, 1, nil},
		{"IPv6 alone, a port", 7, off, nil, 1, nil},
		{"neither", 0, off, off, 0, off},
		{"a port that is taken for IPv4", 7, taken, nil, 0, taken},
		{"a port that is taken for IPv6", 7, nil, taken, 0, taken},
		{"a port that is taken, with IPv6 alone", 7, off, taken, 0, taken},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opened []*fakeListener
			all, err := listenLoopback(test.port, func(network, _ string) (net.Listener, error) {
				err := test.four
				if network == "tcp6" {
					err = test.six
				}
				if err != nil {
					return nil, err
				}
				opened = append(opened, &fakeListener{})
				return opened[len(opened)-1], nil
			})
			if len(all) != test.want || err != test.err {
				t.Errorf("%d listeners, %v; want %d, %v", len(all), err, test.want, test.err)
			}
			for _, l := range opened {
				if kept := slices.Contains(all, net.Listener(l)); kept == l.closed {
					t.Errorf("kept %v, closed %v", kept, l.closed)
				}
			}
		})
	}
}

type fakeListener struct {
	net.Listener
	closed bool
}

func (l *fakeListener) Addr() net.Addr { return &net.TCPAddr{Port: 7} }
func (l *fakeListener) Close() error   { l.closed = true; return nil }

// told reads the next of the news.
func told(t *testing.T, stream *bufio.Scanner) string {
	t.Helper()
	for stream.Scan() {
		if data, ok := strings.CutPrefix(stream.Text(), "data: "); ok {
			return data
		}
	}
	t.Fatal("the stream ends", stream.Err())
	return ""
}

func TestNews(t *testing.T) {
	s := open(t)
	s.Reload(time.UnixMilli(7))
	answer := ask(t, s.URL()+"/events", "", "http://localhost:1")
	stream := bufio.NewScanner(answer.Body)
	before := time.Now().UnixMilli()
	var first news
	if got := told(t, stream); json.Unmarshal([]byte(got), &first) != nil || first.Page != 7 || first.Failure != nil {
		t.Errorf("first %s", got)
	}
	if first.Now < before-patience.Milliseconds() || first.Now > time.Now().UnixMilli() {
		t.Errorf("it is %d", first.Now)
	}
	s.Show(&Failure{Title: "<b>", At: 8})
	if got := told(t, stream); !strings.Contains(got, `"failure":{"title":"\u003cb\u003e","current":"","at":8}`) {
		t.Errorf("failure: %s", got)
	}
	s.Show(nil)
	if got := told(t, stream); strings.Contains(got, "failure") {
		t.Errorf("mended: %s", got)
	}
	begin := time.UnixMilli(9000)
	for _, file := range []string{"/app/a.css", "/app/b.css", "/other/a.css"} {
		begin = begin.Add(time.Second)
		s.Restyle([]string{file}, begin)
		told(t, stream)
	}
	s.Show(nil)
	if got := told(t, stream); !strings.Contains(got, fmt.Sprintf(`"styles":{"a.css":%d,"b.css":%d}`, begin.UnixMilli(), begin.UnixMilli()-1000)) {
		t.Errorf("styles: %s", got)
	}
	s.Reload(begin)
	if got := told(t, stream); strings.Contains(got, "styles") {
		t.Errorf("styles after a reload: %s", got)
	}
}

// lend gives what connects to a page, as hotstart's starter does.
func lend(t *testing.T, p *Page) (at string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); p.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.Take(c)
		}
	}()
	return l.Addr().String()
}

var shown = template.Must(template.New("").Parse("<p>{{.Title}}{{range .Problems}}{{.Frame}}{{end}}"))

func TestPageAnswersHTTPAndNothingElse(t *testing.T) {
	p := NewPage(shown)
	p.Show(&Failure{Title: "a < b", At: 5})
	at := lend(t, p)
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n":     "<p>a &lt; b",
		"POST /x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 0\r\n\r\n": "hotstart: a < b; ",
		"HEAD / HTTP/1.0\r\n\r\n": "Hotstart-Failure: 5",
		"OPTIONS http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n": "HTTP/1.1 503 ",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                              "",
		"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03":                  "",
		"EHLO mail\r\n":        "",
		"*1\r\n$4\r\nPING\r\n": "",
		"GET ":                 "",
		"GETGETGETGETGETGETGET / HTTP/1.1\r\n\r\n": "",
	} {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(c, request)
		if request == "GET " {
			c.(*net.TCPConn).CloseWrite()
		}
		answer, _ := io.ReadAll(c) // it may be reset: that is closed, too
		if want == "" && len(answer) > 0 || !strings.Contains(string(answer), want) {
			t.Errorf("%q is answered by %q", request, answer)
		}
	}
}

func TestPageHidesSourceFromStrangers(t *testing.T) {
	p := NewPage(shown)
	defer p.Close()
	p.Show(&Failure{Title: "broken", Problems: []Problem{{Frame: "secret"}}, Output: "secret"})
	for _, test := range []struct {
		remote, host string
		shown        bool
	}{
		{"127.0.0.1:1", "localhost", true},
		{"[::1]:1", "[::1]:8080", true},
		{"@", "localhost", true},
		{"127.0.0.1:1", "evil.example", false},
		{"192.168.1.7:1", "localhost", false},
	} {
		for _, accept := range []string{"text/html", "*/*"} {
			r := httptest.NewRequest("GET", "http://"+test.host+"/", nil)
			r.RemoteAddr = test.remote
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			body := w.Body.String()
			if !strings.Contains(body, "broken") || accept == "text/html" && strings.Contains(body, "secret") != test.shown || !test.shown && strings.Contains(body, "secret") {
				t.Errorf("%s asks for %s at %s: %s", test.remote, accept, test.host, body)
			}
		}
	}
}

// A connection that the page has taken, and whose request comes when the
// program is there, is sent to the program with method and body.
func TestPageSendsLateRequestsToTheProgram(t *testing.T) {
	p := NewPage(shown)
	defer p.Close()
	r := httptest.NewRequest("POST", "http://localhost:8080//a?b=c", strings.NewReader("body"))
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "http://localhost:8080//a?b=c" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}

// Nor do they come back so often that a client gives up while the page still accepts.
func TestPageKeepsLateRequestsForAMoment(t *testing.T) {
	p := NewPage(shown)
	at := lend(t, p)
	ctx, cancel := context.WithTimeout(t.Context(), 5*redirectDelay)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the client stopped: %v", err)
	}
}
