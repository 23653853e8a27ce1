// Package browser shows failures in browsers, and reloads pages: by a script that an instrumented program adds to its
// pages or that the pages include, or by an error page in the place of the program.
package browser

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Failure is the reason why newer code does not run. It is immutable.
type Failure struct {
	Title    string    `json:"title"`
	Current  string    `json:"current"` // what runs instead
	At       int64     `json:"at"`      // time in milliseconds since 1970; identifies the failure
	Problems []Problem `json:"problems,omitempty"`
	Output   string    `json:"output,omitempty"`
}

// public returns a failure without source code, for clients on other machines.
func (f *Failure) public() *Failure {
	if f == nil {
		return nil
	}
	return &Failure{Title: f.Title, Current: f.Current, At: f.At}
}

// Problem is one error in the code.
type Problem struct {
	Place   string `json:"place,omitempty"` // file:line:column
	Message string `json:"message"`
	Frame   string `json:"frame,omitempty"` // lines of source around Place
}

// news is the whole state that a page needs. Times are in milliseconds since 1970.
type news struct {
	Now     int64            `json:"now"`              // the clock of another machine may differ
	Page    int64            `json:"page"`             // pages that were loaded before are stale
	Styles  map[string]int64 `json:"styles,omitempty"` // style sheets in pages that were loaded before are stale, by name; immutable
	Failure *Failure         `json:"failure,omitempty"`
}

// A Server serves a script for pages to include, and sends it the news. It listens on
// loopback addresses, and answers only pages from this machine.
type Server struct {
	// Injected is called when a page that an instrumented program has changed first loads the script. Blocked is
	// called once for each directive of a Content-Security-Policy that blocks the script, with the tag of the script.
	// The calls are on goroutines of requests.
	Injected func()
	Blocked  func(directive, tag string)

	injected  sync.Once
	blocked   sync.Map  // keys are directives
	errors    *errorLog // nil: errors of pages are not taken
	script    []byte
	server    *http.Server
	listeners []net.Listener

	mu      sync.Mutex
	news    news
	changed chan struct{} // closed at the next change
}

// Listen opens a server on a port; 0 is a free port.
func Listen(port int, script []byte) (*Server, error) {
	listeners, err := listenLoopback(port, net.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{
		script: script, listeners: listeners, changed: make(chan struct{}),
		Injected: func() {}, Blocked: func(string, string) {},
	}
	s.server = &http.Server{Handler: onlyThisMachine(s.mux()), ReadHeaderTimeout: 10 * time.Second}
	return s, nil
}

// loopbacks are the loopback addresses.
var loopbacks = [...]struct{ network, host string }{{"tcp4", "127.0.0.1"}, {"tcp6", "::1"}}

// listenLoopback opens the port on every loopback address that this machine has.
func listenLoopback(port int, listen func(network, address string) (net.Listener, error)) (all []net.Listener, err error) {
	for _, loopback := range loopbacks {
		l, failed := listen(loopback.network, net.JoinHostPort(loopback.host, strconv.Itoa(port)))
		switch {
		case failed == nil:
			all, port = append(all, l), portOf(l)
		case isInUse(failed): // a browser may take that other server for this one
			for _, l := range all {
				l.Close()
			}
			return nil, failed
		case err == nil:
			err = failed
		}
	}
	if len(all) > 0 {
		err = nil
	}
	return all, err
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// Address returns an address of the server, for example 127.0.0.1:35729.
func (s *Server) Address() string { return s.listeners[0].Addr().String() }

// URL returns the address of the server for pages.
func (s *Server) URL() string { return fmt.Sprintf("http://localhost:%d", portOf(s.listeners[0])) }

// Serve answers until Close is called.
func (s *Server) Serve() {
	var serving sync.WaitGroup
	for _, l := range s.listeners {
		serving.Go(func() { s.server.Serve(l) })
	}
	serving.Wait()
}

// Close ends every connection, and with it the stream of its page.
func (s *Server) Close() error { return s.server.Close() }

// Reload makes pages reload that were loaded before a time. A page may load between two calls within a
// millisecond, so each call has a later time than the call before.
func (s *Server) Reload(before time.Time) {
	s.change(func(n *news) { n.Page, n.Styles = max(before.UnixMilli(), n.Page+1), nil })
}

// Restyle makes pages that were loaded before a time load style sheets again. A page that has no style sheet with the name
// of each file reloads.
func (s *Server) Restyle(files []string, before time.Time) {
	s.change(func(n *news) {
		all := map[string]int64{}
		maps.Copy(all, n.Styles)
		for _, file := range files {
			all[filepath.Base(file)] = before.UnixMilli()
		}
		n.Styles = all
	})
}

// Show makes pages show a failure; nil removes it.
func (s *Server) Show(f *Failure) {
	s.change(func(n *news) { n.Failure = f })
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
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		s.writeScript(w)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) { s.events(w, r, true) })
	mux.HandleFunc("POST /log", func(w http.ResponseWriter, r *http.Request) { s.takeErrors(w, r, r.Header.Get("Origin")) })
	s.handleOwnOrigin(mux)
	return mux
}

func (s *Server) writeScript(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Write(s.script)
}

// events streams the news as server-sent events, at once and after each change. Only a client on this machine gets
// source code.
func (s *Server) events(w http.ResponseWriter, r *http.Request, local bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		n, changed := s.latest()
		n.Now = time.Now().UnixMilli()
		if !local {
			n.Failure = n.Failure.public()
		}
		b, err := json.Marshal(n)
		if err != nil {
			panic(err) // only strings and numbers are marshaled
		}
		fmt.Fprintf(w, "data: %s\n\n", b)
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
