package adopt_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"
)

// TestNoRequestIsLost reloads once, with HOTSTART_LONG twice. It can be made longer: HOTSTART_RELOADS=100, HOTSTART_CLIENTS=32.
func TestNoRequestIsLost(t *testing.T) {
	t.Parallel()
	reloads, clients := number("HOTSTART_RELOADS", 1), number("HOTSTART_CLIENTS", 4)
	if os.Getenv("HOTSTART_LONG") != "" {
		reloads = max(reloads, 2)
	}
	http2, unencrypted := new(http.Protocols), new(http.Protocols)
	http2.SetHTTP2(true)
	unencrypted.SetUnencryptedHTTP2(true)
	tests := []struct {
		mode      string
		scheme    string
		keepAlive bool
		protocols *http.Protocols
	}{
		{"plain", "http", false, nil},
		{"shutdown", "http", true, nil},
		{"tls", "https", true, http2},
		{"h2c", "http", true, unencrypted},
		// With HOTSTART_LONG, also:
		{"plain", "http", true, nil},
		{"shutdown", "http", false, nil},
		{"tls", "https", false, nil},
		{"tls", "https", true, nil},
	}
	if os.Getenv("HOTSTART_LONG") == "" {
		tests = tests[:4]
	}
	for _, test := range tests {
		name := test.mode + map[bool]string{false: " a connection each", true: " keep-alive"}[test.keepAlive]
		if test.protocols != nil {
			name = test.mode + " HTTP/2"
		}
		t.Run(name, func(t *testing.T) {
			address := freePort(t, "127.0.0.1")
			r := serve(t, drainForever, test.mode, address)
			l := newLoad()
			l.ask(clients, test.scheme+"://"+address, test.keepAlive, test.protocols)
			l.reloads(t, r, reloads, 100*int64(clients))
			l.end(t)
		})
	}
}

func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
