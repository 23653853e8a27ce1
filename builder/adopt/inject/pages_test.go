package inject

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// hotstart is the server of hotstart that pages ask. It sends the requests that it gets.
func hotstart(t *testing.T) (address string, requests chan *http.Request) {
	t.Helper()
	requests = make(chan *http.Request, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		switch r.URL.Path {
		case "/.hotstart/hotstart.js":
			w.Header().Set("Content-Type", "text/javascript")
			io.WriteString(w, "script")
		case "/.hotstart/events":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			requests <- r // it has ended
		default:
			http.Error(w, "no", http.StatusForbidden)
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), requests
}

func theProgram(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the program") }

func TestHotstartAnswersItsOwnPaths(t *testing.T) {
	address, requests := hotstart(t)
	s := serve(t, hotstartNewPages(address), theProgram, false)
	ask := func(path string, header http.Header) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = header
		response, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response, string(body)
	}
	response, body := ask("/.hotstart/hotstart.js?old", http.Header{
		"Origin": {"http://evil.example"}, "Sec-Fetch-Site": {"cross-site"}, "X-Forwarded-For": {"192.0.2.1"}, "Cookie": {"secret=1"},
		"Hotstart-Peer": {"127.0.0.1:1"},
	})
	if response.StatusCode != 200 || body != "script" || response.Header.Get("Content-Type") != "text/javascript" || response.Close {
		t.Errorf("%v %q", response, body)
	}
	got := (<-requests).Header
	peer := got.Get("Hotstart-Peer")
	if peer == "127.0.0.1:1" || !strings.HasPrefix(peer, "127.0.0.1:") {
		t.Errorf("the client is %q", peer)
	}
	want := http.Header{
		"Hotstart-Host": {s.Listener.Addr().String()}, "Hotstart-Peer": {peer}, "Hotstart-Origin": {"http://evil.example"},
		"Hotstart-Sec-Fetch-Site": {"cross-site"}, "Hotstart-X-Forwarded-For": {"192.0.2.1"}, "Content-Length": {"0"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("passed on: %v\nwant %v", got, want)
	}
	if response, _ := ask("/.hotstart/other", nil); response.StatusCode != http.StatusForbidden {
		t.Error(response.Status)
	}
	for _, path := range []string{"/", "/.hotstart", "/x/.hotstart/hotstart.js"} {
		if _, body := ask(path, nil); body != "the program" {
			t.Errorf("%s: %q", path, body)
		}
	}
}

func TestTheBodyOfAReportIsPassedOn(t *testing.T) {
	bodies := make(chan string, 1)
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		bodies <- fmt.Sprint(r.Method, " ", r.URL, " ", len(body), " ", err)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer outer.Close()
	s := serve(t, hotstartNewPages(outer.Listener.Addr().String()), theProgram, false)
	for _, test := range []struct{ sent, want int }{{5, 5}, {hotstartBodySize + 5, hotstartBodySize}} {
		response, err := s.Client().Post(s.URL+"/.hotstart/log", "text/plain", strings.NewReader(strings.Repeat("x", test.sent)))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got, want := <-bodies, fmt.Sprintf("POST /.hotstart/log %d <nil>", test.want); got != want || response.StatusCode != http.StatusNoContent {
			t.Errorf("%q and %s, want %q", got, response.Status, want)
		}
	}
}

// net/http removes the files of a form when the handler has returned.
func TestTheFilesOfAFormAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := serve(t, hotstartNewPages(""), func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(0); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, len(r.MultipartForm.File))
	}, false)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, _ := form.CreateFormFile("file", "a.txt")
	file.Write(bytes.Repeat([]byte("x"), 11<<20)) // more than net/http keeps in memory
	form.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL, &body)
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Content-Type", form.FormDataContentType())
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, _ := io.ReadAll(response.Body); string(got) != "1" {
		t.Errorf("%q", got)
	}
	s.Close() // waits for the handler
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestWithoutHotstartTheProgramRuns(t *testing.T) {
	s := serve(t, hotstartNewPages("127.0.0.1:1"), theProgram, false)
	response, err := s.Client().Get(s.URL + "/.hotstart/events")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Error(response.Status)
	}
}

// A page waits for its script, but not for hotstart that is suspended.
func TestAHotstartThatIsSuspendedDoesNotHoldAPage(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts connections
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := serve(t, hotstartNewPages(l.Addr().String()), theProgram, false)
	response, err := s.Client().Get(s.URL + "/.hotstart/hotstart.js")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Error(response.Status)
	}
}

// stream opens a stream of events and reads the first event.
func stream(t *testing.T, s *httptest.Server) *bufio.Reader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/.hotstart/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.ProtoMajor == 1 && !response.Close {
		t.Error("the connection stays open")
	}
	in := bufio.NewReader(response.Body)
	if line, err := in.ReadString('\n'); line != "data: 1\n" {
		t.Fatalf("%q, %v", line, err)
	}
	in.ReadString('\n')
	return in
}

// arrives waits for a request.
func arrives(t *testing.T, requests chan *http.Request) {
	t.Helper()
	select {
	case <-requests:
	case <-time.After(patience):
		t.Fatal("it never came")
	}
}

func TestTheStreamOfEventsEnds(t *testing.T) {
	for name, end := range map[string]func(p *hotstartPages, s *httptest.Server){
		"with a drain": func(p *hotstartPages, s *httptest.Server) { p.drain() },
		"with a shutdown of the server": func(p *hotstartPages, s *httptest.Server) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := s.Config.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/HTTP2=%v", name, http2), func(t *testing.T) {
				address, requests := hotstart(t)
				pages := hotstartNewPages(address)
				s := serve(t, pages, theProgram, http2)
				in := stream(t, s)
				arrives(t, requests)
				end(pages, s)
				if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
					t.Errorf("%q, %v", rest, err)
				}
				arrives(t, requests) // hotstart's end has ended
			})
		}
	}
}

func TestHotstartSeesThatAPageIsClosed(t *testing.T) {
	address, requests := hotstart(t)
	s := serve(t, hotstartNewPages(address), theProgram, false)
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/.hotstart/events", nil)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	arrives(t, requests)
	cancel()
	arrives(t, requests)
}

// The timeouts of the program's server are for its own answers.
func TestTimeoutsDoNotEndTheStream(t *testing.T) {
	address, _ := hotstart(t)
	pages := hotstartNewPages(address)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.serve(http.HandlerFunc(theProgram), w, r)
	}))
	s.Config.ReadTimeout, s.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	s.Start()
	defer s.Close()
	in := stream(t, s)
	ended := make(chan error, 1)
	go func() { _, err := in.ReadByte(); ended <- err }()
	select {
	case err := <-ended:
		t.Errorf("it ended: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	pages.drain()
	if err := <-ended; err != io.EOF {
		t.Error(err)
	}
}

func TestHotstartChecksThePoliciesOfAPage(t *testing.T) {
	const meta, tag = `<meta http-equiv="Content-Security-Policy"` + "\n" + `content="default-src 'self'">`, `<script src="/.hotstart/hotstart.js" nonce="1"></script>`
	for _, test := range []struct {
		body string
		want http.Header
	}{
		{page, http.Header{"Hotstart-Meta": {""}, "Hotstart-In-Head": {"1"}}},
		{"<!doctype html><title>t</title>" + meta, http.Header{
			"Hotstart-Meta": {`<meta http-equiv="content-security-policy" content="default-src 'self'">`}, "Hotstart-In-Head": {"1"},
		}},
		{"<p>" + meta, http.Header{"Hotstart-Meta": {`<meta http-equiv="content-security-policy" content="default-src 'self'">`}}},
		{"<p>Content-Security-Policy", http.Header{"Hotstart-Meta": {""}}},
	} {
		address, requests := hotstart(t)
		s := serve(t, hotstartNewPages(address), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "script-src 'nonce-1'")
			w.Header().Add("Content-Security-Policy", "img-src *")
			for i := 0; i < len(test.body); i += 15 { // as a template writes it
				io.WriteString(w, test.body[i:min(i+15, len(test.body))])
			}
		}, false)
		get(t, s, "GET", document)
		r := <-requests
		test.want["Hotstart-Policy"] = []string{"script-src 'nonce-1',img-src *"}
		test.want["Hotstart-Tag"] = []string{tag}
		test.want["Content-Length"] = []string{"0"}
		if r.URL.Path != "/.hotstart/policy" || !reflect.DeepEqual(r.Header, test.want) {
			t.Errorf("%s: %s %v", test.body, r.URL, r.Header)
		}
	}
}
