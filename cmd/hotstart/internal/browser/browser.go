// Package browser tells open pages what becomes of the program that serves
// them: by a script that they include, or by a page in the program's place.
package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Trouble is why the program is not the one that was saved. It is not
// changed once it was given to this package.
type Trouble struct {
	Title    string    `json:"title"`
	Standing string    `json:"standing"` // what is served meanwhile
	At       int64     `json:"at"`       // when it was seen, in milliseconds since 1970: no two have the same
	Problems []Problem `json:"problems,omitempty"`
	Output   string    `json:"output,omitempty"`
}

// Problem is one thing that is wrong with the code.
type Problem struct {
	Place   string `json:"place,omitempty"` // file:line:column
	Message string `json:"message"`
	Frame   string `json:"frame,omitempty"` // the lines of source there
}

// news is all that a page needs to know, whenever it asks. Times are in
// milliseconds since 1970.
type news struct {
	Page    int64    `json:"page"` // pages from before are old
	Styles  styles   `json:"styles"`
	Trouble *Trouble `json:"trouble,omitempty"`
}

type styles struct {
	At    int64    `json:"at"`
	Files []string `json:"files"`
}

// A Server has a script for pages to include, and tells it the news. It
// listens on this machine alone, and answers only pages from this machine.
type Server struct {
	script    []byte
	server    *http.Server
	listeners []net.Listener

	mu      sync.Mutex
	news    news
	changed chan struct{} // closed at the next change
}

// Listen makes a server on a port, or on a free one if that is 0.
func Listen(port int, script []byte) (*Server, error) {
	listeners, err := listenLoopback(port, net.Listen)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{script: script, listeners: listeners, changed: make(chan struct{})}
	s.server = &http.Server{
		Handler:           guarded(s.mux()),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	s.server.RegisterOnShutdown(cancel)
	return s, nil
}

// loopbacks are the addresses of this machine alone, each with its network.
var loopbacks = [...]struct{ network, host string }{{"tcp4", "127.0.0.1"}, {"tcp6", "::1"}}

// listenLoopback opens the port on every loopback address, or on the one that there is.
func listenLoopback(port int, listen func(network, address string) (net.Listener, error)) (all []net.Listener, err error) {
	for try := 0; ; try++ {
		number, taken := port, false
		var failed error
		for _, loopback := range loopbacks {
			l, err := listen(loopback.network, net.JoinHostPort(loopback.host, strconv.Itoa(number)))
			switch {
			case err == nil:
				all, number = append(all, l), portOf(l)
			case isInUse(err):
				failed, taken = err, true
			case failed == nil:
				failed = err
			}
		}
		if len(all) > 0 && !taken {
			return all, nil
		}
		for _, l := range all {
			l.Close()
		}
		if all = nil; port != 0 || !taken || try == 20 {
			return nil, failed
		}
	}
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// URL is where it is found.
func (s *Server) URL() string { return fmt.Sprintf("http://localhost:%d", portOf(s.listeners[0])) }

// Serve answers until Close is called.
func (s *Server) Serve() {
	var serving sync.WaitGroup
	for _, l := range s.listeners {
		serving.Go(func() { s.server.Serve(l) })
	}
	serving.Wait()
}

// Close ends every connection.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.server.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return s.server.Close()
}

// Reload tells that pages from before are old.
func (s *Server) Reload(before time.Time) {
	s.change(func(n *news) { n.Page = before.UnixMilli() })
}

// Restyle tells that style sheets have changed, and nothing else.
func (s *Server) Restyle(files []string) {
	s.change(func(n *news) { n.Styles = styles{time.Now().UnixMilli(), files} })
}

// Trouble tells what is wrong; nil is nothing any more.
func (s *Server) Trouble(t *Trouble) {
	s.change(func(n *news) { n.Trouble = t })
}

func (s *Server) change(how func(*news)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how(&s.news)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) latest() (news, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news, s.changed
}

func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hotstart.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		w.Header().Set("Cache-Control", "no-cache")
		w.Write(s.script)
	})
	mux.HandleFunc("GET /events", s.events)
	return mux
}

// events is a stream of server-sent events, which begins with the latest.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		n, changed := s.latest()
		b, err := json.Marshal(n)
		if err != nil {
			panic(err) // it is made of strings and numbers
		}
		fmt.Fprintf(w, "retry: 500\ndata: %s\n\n", b)
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
