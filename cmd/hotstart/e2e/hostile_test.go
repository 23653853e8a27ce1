//go:build e2e && linux

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHostileClientsDoNotSlowAReload reloads while a thousand clients hold the control
// socket: they send nothing, half a request, a huge one, or read no answer.
func TestHostileClientsDoNotSlowAReload(t *testing.T) {
	w := newWaiting(t)
	reloads := func(name string) time.Duration {
		var took []time.Duration
		for n := range 7 {
			text := fmt.Sprint(name, n)
			began := time.Now()
			w.edit(0, text, false)
			if err := w.session.await("to serve "+text, func() bool {
				answer, err := request(w.client, http.MethodGet, "http://"+w.address, "")
				return err == nil && strings.HasPrefix(answer, text+"/")
			}); err != nil {
				t.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		return median(took)
	}
	alone := reloads("alone")
	sockets, err := filepath.Glob(filepath.Join(strings.TrimPrefix(w.env[0], "XDG_RUNTIME_DIR="), "hotstart", "*.sock"))
	if err != nil || len(sockets) != 1 {
		t.Fatalf("sockets: %q, %v", sockets, err)
	}
	quit := make(chan struct{})
	defer close(quit)
	for i := range 1000 {
		go holdSocket(sockets[0], i, quit) // ends with quit
	}
	attacked := reloads("attacked")
	t.Logf("a reload takes %v, and %v with a thousand hostile clients", alone, attacked)
	if attacked > 10*alone+5*time.Second { // far above the noise of a busy machine
		t.Error("the clients hold up a reload")
	}
	// The slots may be taken for the five seconds that a request may take.
	if err := w.session.await("to answer another client", func() bool { code, _ := w.wait(); return code == 0 }); err != nil {
		t.Error(err)
	}
}

// holdSocket connects again and again.
func holdSocket(path string, i int, quit <-chan struct{}) {
	requests := []string{
		"", "GET /v1/st", "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" + strings.Repeat("x", 64<<10),
		"GET /v1/events?last=1000 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/wait?timeout=1h HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	for range 3 {
		c, err := net.Dial("unix", path)
		if err == nil {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			io.WriteString(c, requests[i%len(requests)])
		}
		select {
		case <-time.After(3 * time.Second):
		case <-quit:
		}
		if err == nil {
			c.Close()
		}
	}
}
