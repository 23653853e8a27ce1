package ready

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestParseProbe(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"tcp=127.0.0.1:80": true, "tcp=[::1]:80": true, "http=http://localhost": true, "http=https://h:1/x?y": true,
		"auto": false, "": false,
	} {
		if p, err := ParseProbe(s); (p != nil) != want || err != nil {
			t.Errorf("%q: %v, %v", s, p != nil, err)
		}
	}
	for _, s := range []string{"tcp=", "tcp=80", "tcp=h:", "http=", "http=localhost:80", "http=ftp://h/", "http=http://", "http=%"} {
		if p, err := ParseProbe(s); p != nil || err == nil {
			t.Errorf("%q is a probe", s)
		}
	}
}

func TestAnHTTPProbeWaitsForAGoodAnswer(t *testing.T) {
	t.Parallel()
	var questions atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch questions.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.WriteHeader(http.StatusNotFound)
		default:
			http.Redirect(w, r, "/nowhere", http.StatusFound)
		}
	}))
	defer server.Close()
	p, err := ParseProbe("http=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Until(t.Context(), nil) || questions.Load() < 3 { // more if one was not answered in time
		t.Errorf("ready after %d questions, not 3", questions.Load())
	}
}
