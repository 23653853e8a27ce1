package adopt_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load is a number of clients that send requests all the time.
type load struct {
	asked, lost atomic.Int64
	stop        chan struct{}
	clients     sync.WaitGroup
	mu          sync.Mutex
	errors      map[string]int
}

// ask starts n clients, each with its own connections.
func (l *load) ask(n int, url string, keepAlive bool, protocols *http.Protocols) {
	for range n {
		l.askOver(1, &http.Transport{
			DisableKeepAlives: !keepAlive,
			Protocols:         protocols,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		}, url)
	}
}

// askOver starts n clients that share a transport.
func (l *load) askOver(n int, transport *http.Transport, url string) {
	for range n {
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		l.clients.Go(func() {
			defer transport.CloseIdleConnections()
			for !closed(l.stop) {
				l.asked.Add(1)
				if err := post(client, url); err != nil {
					l.lost.Add(1)
					l.mu.Lock()
					l.errors[err.Error()]++
					l.mu.Unlock()
				}
			}
		})
	}
}

// post sends one request. Go's client never repeats a POST.
func post(client *http.Client, url string) error {
	response, err := client.Post(url, "text/plain", strings.NewReader("hello"))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", response.Status)
	}
	return nil
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func newLoad() *load { return &load{stop: make(chan struct{}), errors: map[string]int{}} }

// more waits until n more requests were answered.
func (l *load) more(t testing.TB, n int64) {
	t.Helper()
	asked := l.asked.Load()
	until(t, "requests come", func() bool { return l.asked.Load() > asked+n })
}

// reloads makes r reload the given number of times, with n requests before each reload, and waits for the
// old workers to leave.
func (l *load) reloads(t testing.TB, r *running, times int, n int64) {
	t.Helper()
	for range times {
		l.more(t, n)
		r.reload()
	}
	r.left(times)
}

func (l *load) finish() {
	close(l.stop)
	l.clients.Wait()
}

func (l *load) end(t testing.TB) {
	t.Helper()
	l.finish()
	t.Logf("%d lost of %d", l.lost.Load(), l.asked.Load())
	for text, n := range l.errors {
		t.Errorf("%d: %s", n, text)
	}
}

// answers reports whether a process listens at address.
func answers(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}
