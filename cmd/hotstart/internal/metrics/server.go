package metrics

import (
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Serve answers GET /metrics on a listener, which is TCP in general, until the listener
// is closed.
func (m *Metrics) Serve(l net.Listener) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m)
	s := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than the usual interval of scrapes
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // about broken requests of clients
	}
	s.Serve(l)
}
