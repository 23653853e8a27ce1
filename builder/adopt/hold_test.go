package adopt_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter"
)

// hold makes the clients of the newest worker wait, and returns when they do.
func (r *running) hold(limit time.Duration) {
	r.t.Helper()
	var newest starter.Worker
	for _, e := range r.seen() {
		if e.Kind == starter.Serving {
			newest = e.Worker
		}
	}
	n := r.count(starter.Holding)
	r.starter.Hold(limit, newest)
	r.until("clients wait", func() bool { return r.count(starter.Holding) > n })
}

// holdClient sends requests whose answer is the pid of a worker.
func holdClient(t *testing.T, protocols *http.Protocols) client {
	c := newClient(t)
	transport := c.Transport.(*http.Transport)
	transport.Protocols, transport.TLSClientConfig = protocols, &tls.Config{InsecureSkipVerify: true}
	return c
}

// navigate requests a page, and follows redirections to it.
func (c client) navigate(url string) string {
	c.t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Dest", "document")
	response, err := c.Do(r)
	if err != nil {
		c.t.Error(err)
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		c.t.Errorf("the navigation is answered by %s, %v", response.Status, err)
	}
	return string(body)
}

// waiting is a new connection with a request that is not answered.
func waiting(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || !isTimeout(err) {
		t.Fatalf("a connection does not wait: %d bytes, %v", n, err)
	}
	return conn
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// answerOn reads the answer on a connection.
func answerOn(t *testing.T, conn net.Conn) string {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Clients of a worker that is held are answered by the next one.
func TestHold(t *testing.T) {
	t.Parallel()
	http2, unencrypted := new(http.Protocols), new(http.Protocols)
	http2.SetHTTP2(true)
	unencrypted.SetUnencryptedHTTP2(true)
	for _, test := range []struct {
		mode, scheme string
		protocols    *http.Protocols
	}{{"plain", "http", nil}, {"shutdown", "http", nil}, {"tls", "https", nil}, {"tls", "https", http2}, {"h2c", "http", unencrypted}} {
		t.Run(fmt.Sprint(test.mode, test.protocols), func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			url := test.scheme + "://" + address
			r := serve(t, drainForever, test.mode, address)
			kept, fresh := holdClient(t, test.protocols), holdClient(t, test.protocols)
			first := kept.post(url)
			r.hold(time.Hour)
			if answer := kept.post(url); answer != first {
				t.Errorf("a request that is not a navigation is answered by %q, want %q", answer, first)
			}
			var clients sync.WaitGroup
			clients.Go(func() {
				if answer := kept.navigate(url + "/page?x=1"); answer == first || answer == "" {
					t.Errorf("the navigation is answered by %q, and the old worker is %q", answer, first)
				}
			})
			clients.Go(func() {
				if answer := fresh.post(url); answer == first {
					t.Errorf("a new connection is answered by the old worker")
				}
			})
			waiting(t, address).Close() // by now all of them wait
			r.reload()
			clients.Wait()
			r.left(1)
		})
	}
}

// Clients wait until the hold ends, or for the limit, or until hotstart ends.
func TestHoldEnds(t *testing.T) {
	t.Parallel()
	address := freePort(t, "127.0.0.1")
	url := "http://" + address
	r := serve(t, func(o *starter.Options) { o.CutStreams = true }, "plain", address)
	c := newClient(t)
	first := c.post(url)

	r.hold(time.Hour)
	conn := waiting(t, address)
	r.starter.Hold(0)
	if answer := answerOn(t, conn); answer != first {
		t.Errorf("after the end, %q answers", answer)
	}

	const limit = 300 * time.Millisecond
	r.hold(limit)
	for range 2 { // one after the other
		began := time.Now()
		conn := waiting(t, address)
		if answer, took := answerOn(t, conn), time.Since(began); answer != first || took < limit {
			t.Errorf("%q answers after %v", answer, took)
		}
		began = time.Now()
		if answer, took := c.navigate(url), time.Since(began); answer != first || took < limit {
			t.Errorf("%q answers a navigation after %v", answer, took)
		}
	}
	r.starter.Hold(0)

	r.hold(time.Hour)
	conn = waiting(t, address)
	answer := make(chan string)
	go func() { answer <- c.navigate(url) }()
	waiting(t, address).Close()
	r.starter.Signal(syscall.SIGTERM) // no worker follows
	if answer := <-answer; answer != first {
		t.Errorf("at the end of hotstart, %q answers a navigation", answer)
	}
	conn.Close()
	r.left(1)
}

// A worker lets its clients go when hotstart dies. A hold that comes before its hello is seen before it accepts.
func TestHoldEndsWithHotstart(t *testing.T) {
	t.Parallel()
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t, "127.0.0.1")
	broker, _ := startBrokered(t, path, address)
	io.WriteString(broker, "hold x\nhold 3600000\nhold 3600000 x\n")
	lines := bufio.NewScanner(broker)
	for held, ready := false, false; (!held || !ready) && lines.Scan(); {
		word, _, _ := strings.Cut(lines.Text(), " ")
		if word == "want" {
			io.WriteString(broker, "none\n")
		}
		held, ready = held || word == "holding", ready || word == "ready"
	}
	conn := waiting(t, address)
	broker.Close()
	if answer := answerOn(t, conn); answer == "" {
		t.Error("the answer is empty")
	}
}

// A wait does not use up the timeouts of the server.
func TestHoldAndTimeouts(t *testing.T) {
	t.Parallel()
	for _, protocols := range []*http.Protocols{nil, new(http.Protocols)} {
		if protocols != nil {
			protocols.SetHTTP2(true)
		}
		t.Run(fmt.Sprint(protocols), func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, nil, "timeouts", address)
			c := holdClient(t, protocols)
			first := c.post("https://" + address)
			r.hold(time.Second)
			if answer := c.navigate("https://" + address + "/slow?for=50ms"); answer != first {
				t.Errorf("the answer is %q, want %q", answer, first)
			}
		})
	}
}

// A navigation, and a style sheet of a page that stays, is sent to its own URL, whatever that looks like.
func TestNavigationOfADrainingWorker(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/a/b?c=d&e=%2F":         "/a/b?c=d&e=%2F",
		"/a.css?a=b&hotstart=1":  "/a.css?a=b&hotstart=1",
		"//example.com/":         "/.//example.com/",
		"/%5cexample.com":        "/%5cexample.com",
		"http://example.com/a?b": "/a?b",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, drainForever, "plain", address)
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			in := bufio.NewReader(conn)
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, response.Body)
			r.hold(time.Hour)
			kind := "document"
			if strings.Contains(path, ".css") {
				kind = "style"
			}
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nSec-Fetch-Dest: %s\r\n\r\n", path, kind)
			r.reload()
			response, err = http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := response.Header.Get("Location"); response.StatusCode != http.StatusTemporaryRedirect || got != want || !response.Close {
				t.Errorf("%s to %q, want %q; close: %v", response.Status, got, want, response.Close)
			}
			r.left(1)
		})
	}
}
