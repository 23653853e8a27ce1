package browser

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// forward sends a request as an instrumented program passes it on: lines of the header that begin with forwarded.
func forward(t *testing.T, s *Server, path, header string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+s.Address()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(forwarded+name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestOnlyTheOwnOriginOfAPageIsAnswered(t *testing.T) {
	s := open(t)
	injected := 0
	s.Injected = func() { injected++ }
	for header, status := range map[string]int{
		"Host: a.example\nPeer: 192.0.2.1:1":                                             200,
		"Host: a.example\nSec-Fetch-Site: same-origin":                                   200,
		"Host: a.example:80\nOrigin: https://a.example:80":                               200,
		"Host: a.example\nSec-Fetch-Site: cross-site":                                    403,
		"Host: a.example\nSec-Fetch-Site: same-site":                                     403,
		"Host: a.example\nSec-Fetch-Site: none":                                          403,
		"Host: a.example\nOrigin: http://evil.example":                                   403,
		"Host: a.example\nOrigin: http://a.example:81":                                   403,
		"Host: a.example\nOrigin: null":                                                  403,
		"Host: a.example\nOrigin: http://a.example@evil.example":                         403,
		"Host: localhost:8080\nOrigin: http://localhost:3000\nSec-Fetch-Site: same-site": 403,
	} {
		for _, path := range []string{"/.hotstart/hotstart.js", "/.hotstart/events"} {
			if answer := forward(t, s, path, header); answer.StatusCode != status {
				t.Errorf("%s with %q: %s", path, header, answer.Status)
			}
		}
	}
	if injected != 1 {
		t.Errorf("%d reports of the first page", injected)
	}
}

func TestOnlyThisMachineGetsTheSourceCodeOfAProgramsPage(t *testing.T) {
	s := open(t)
	s.Show(&Failure{Title: "broken", Current: "still serving", At: 5, Problems: []Problem{{Frame: "secret"}}, Output: "secret"})
	for header, source := range map[string]bool{
		"Host: localhost:8080\nPeer: 127.0.0.1:1":                             true,
		"Host: [::1]:8080\nPeer: [::1]:1":                                     true,
		"Host: app.localhost\nPeer: @":                                        true,
		"Host: a.example\nPeer: 127.0.0.1:1":                                  false, // a tunnel, or DNS rebinding
		"Host: localhost:8080\nPeer: 192.0.2.1:1":                             false,
		"Host: localhost:8080\nPeer: 127.0.0.1:1\nX-Forwarded-For: 192.0.2.1": false,
		"Host: localhost:8080\nPeer: 127.0.0.1:1\nForwarded: for=192.0.2.1":   false,
		"Peer: 127.0.0.1:1":                                                   false,
		"":                                                                    false,
	} {
		got := told(t, bufio.NewScanner(forward(t, s, "/.hotstart/events", header).Body))
		if !strings.Contains(got, `"title":"broken","current":"still serving","at":5`) || strings.Contains(got, "secret") != source {
			t.Errorf("%q: %s", header, got)
		}
	}
}

// The page in the place of the program decides by the request itself, whatever its header says.
func TestTheErrorPageAnswersPagesOfTheProgram(t *testing.T) {
	p := NewPage(shown)
	defer p.Close()
	p.Show(&Failure{Title: "broken"})
	p.Pages = open(t)
	for _, test := range []struct {
		path, site string
		status     int
	}{
		{"/.hotstart/hotstart.js", "same-origin", 200},
		{"/.hotstart/hotstart.js", "cross-site", 403},
		{"/other", "same-origin", 503},
	} {
		r := httptest.NewRequest("GET", "http://localhost"+test.path, nil)
		r.Header.Set("Sec-Fetch-Site", test.site)
		r.Header.Set(forwarded+"Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		if p.ServeHTTP(w, r); w.Code != test.status {
			t.Errorf("%s from %s: %d", test.path, test.site, w.Code)
		}
	}
}

func TestEachBlockingDirectiveIsReportedOnce(t *testing.T) {
	s := open(t)
	got := ""
	s.Blocked = func(directive, tag string) { got += directive + " " + tag }
	forward(t, s, "/.hotstart/policy", "Policy: script-src 'self'\nTag: <a>")
	for _, tag := range []string{"<a>", "<b>"} {
		forward(t, s, "/.hotstart/policy", "Policy: script-src 'none'\nTag: "+tag)
	}
	forward(t, s, "/.hotstart/policy", "Meta: <meta content=\"connect-src 'none'\">\nIn-Head: 1\nTag: <a>")
	if got != "script-src 'none' <a>connect-src 'none' (in a <meta> element) <a>" {
		t.Errorf("%q", got)
	}
}
