package adopt_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A request is answered if its first byte has been received, however long the rest of its header takes.
func TestRequestThatHasBegun(t *testing.T) {
	t.Parallel()
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
	for _, test := range []struct {
		name, mode string
		begun      int           // bytes of the request before the drain
		first      bool          // on its connection
		waits      time.Duration // longer than a connection that is idle
	}{
		{"a byte", "plain", 1, false, 1500 * time.Millisecond},
		{"half a line", "plain", 10, false, 1500 * time.Millisecond},
		{"a line", "plain", len("POST / HTTP/1.1\r\n"), false, 1500 * time.Millisecond},
		{"half a header", "plain", 30, false, 1500 * time.Millisecond},
		{"a line over TLS", "tls", len("POST / HTTP/1.1\r\n"), false, 1500 * time.Millisecond},
		{"half a header of a first request", "plain", 30, true, 6500 * time.Millisecond}, // net/http gives it 5 s
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := freePort(t, "127.0.0.1")
			r := serve(t, drainForever, test.mode, address)
			busy, scheme := newClient(t), "http"
			conn, err := net.Dial("tcp", address)
			if err == nil && test.mode == "tls" {
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
				busy.Transport.(*http.Transport).TLSClientConfig, scheme = &tls.Config{InsecureSkipVerify: true}, "https"
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			answer := func() string {
				conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				response, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatalf("instead of an answer: %v", err)
				}
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				return string(body)
			}
			first := ""
			if !test.first {
				fmt.Fprint(conn, request)
				first = answer()
			}
			fmt.Fprint(conn, request[:test.begun])
			if worker := busy.post(scheme + "://" + address); first == "" { // so that conn, which was first in the queue, is accepted
				first = worker
			}
			r.reload()
			busy.postUntilLast(scheme + "://" + address)
			time.Sleep(test.waits)
			fmt.Fprint(conn, request[test.begun:])
			if second := answer(); second != first {
				t.Errorf("worker %s was asked, %s has answered", first, second)
			}
			r.left(1)
		})
	}
}
