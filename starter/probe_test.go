package starter

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseProbe(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"tcp=127.0.0.1:80": true, "tcp=[::1]:80": true, "http=http://localhost": true, "http=https://h:1/x?y": true,
		"auto": false, "": false,
	} {
		if p, err := parseProbe(s); (p != nil) != want || err != nil {
			t.Errorf("%q: %v, %v", s, p != nil, err)
		}
	}
	for _, s := range []string{"tcp=", "tcp=80", "tcp=h:", "http=", "http=localhost:80", "http=ftp://h/", "http=http://", "http=%"} {
		if p, err := parseProbe(s); p != nil || err == nil {
			t.Errorf("%q is a probe", s)
		}
	}
}

func TestAnHTTPProbeWaitsForAGoodAnswer(t *testing.T) {
	t.Parallel()
	var answers atomic.Int32 // that came in time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch answers.Load() {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 1:
			w.WriteHeader(http.StatusNotFound)
		default:
			http.Redirect(w, r, "/nowhere", http.StatusFound)
		}
	}))
	defer server.Close()
	p, err := parseProbe("http=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	counted := probe(func(ctx context.Context, accepted func(net.Conn) error) bool {
		ok := p(ctx, accepted)
		if ok || ctx.Err() == nil {
			answers.Add(1)
		}
		return ok
	})
	if !counted.until(t.Context(), nil) || answers.Load() != 3 {
		t.Errorf("ready after %d answers, not 3", answers.Load())
	}
}

// The old worker and the new one wait on one socket: only what the new one
// accepts tells of it.
func TestAProbeIsNotAnsweredByAnOlderWorker(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("no /proc to see who accepts")
	}
	// The address has to be known before: it is that of a socket which is
	// inherited, since one that is only found free may be another's by then.
	s := held(t, "127.0.0.1:0")
	o := Options{Ports: []string{s.local}, Inherited: []int{s.fd}, Ready: Readiness("tcp=" + s.local), Interval: 20 * time.Millisecond, ReadyTimeout: -1}
	sh := run(t, o, program("echo"))
	first := sh.await(Serving)
	sh.SetTimeouts(Options{ReadyTimeout: 500 * time.Millisecond})
	until(t, "the time that a start may take is not heeded", func() bool { return len(sh.limits) == 0 })
	sh.Reload(program("hold")) // accepts nothing: the old one answers
	if e := sh.await(TimedOut); e.Worker.Generation != 2 {
		t.Errorf("%v", e)
	}
	if err := unix.Kill(first.Worker.PID, 0); err != nil {
		t.Errorf("the old worker is gone: %v", err)
	}
	sh.SetTimeouts(Options{ReadyTimeout: -1})
	until(t, "the time that a start may take is not heeded", func() bool { return len(sh.limits) == 0 })
	sh.Reload(program("echo"))
	sh.await(Serving)
}
