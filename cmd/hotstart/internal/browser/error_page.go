package browser

import (
	"bufio"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Page is an error page that answers in the place of a program that does not run.
type Page struct {
	// Pages answers the script of pages that the program has served before; nil without such pages.
	Pages *Server

	template *template.Template
	failure  atomic.Pointer[Failure]
	server   *http.Server
	conns    chan net.Conn
	ended    chan struct{}
}

const (
	// requestTimeout is the time for the headers of a request.
	requestTimeout = 5 * time.Second
	// redirectDelay is the time before a client is redirected to the program. The page may
	// accept for a moment longer, and clients follow about ten or twenty redirects.
	redirectDelay = 100 * time.Millisecond
)

// NewPage returns a page with a template for a Failure. Its goroutine ends with Close.
func NewPage(t *template.Template) *Page {
	p := &Page{template: t, conns: make(chan net.Conn), ended: make(chan struct{})}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: requestTimeout}
	p.server.SetKeepAlivesEnabled(false) // the next request may be for the program
	go p.server.Serve(taken{p})
	return p
}

// Show changes the failure on the page. With nil, clients are redirected to the URL that
// they have requested, which is the program's by then.
func (p *Page) Show(f *Failure) { p.failure.Store(f) }

// Close ends every connection.
func (p *Page) Close() error { return p.server.Close() }

// Take answers on a connection if the client speaks HTTP, and otherwise closes it.
func (p *Page) Take(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(requestTimeout))
	r := bufio.NewReader(c)
	if !beginsRequest(r) {
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	select {
	case p.conns <- peeked{c, r}:
	case <-p.ended:
		c.Close()
	}
}

func beginsRequest(r *bufio.Reader) bool {
	for n := 1; n < 16; n++ {
		b, err := r.Peek(n)
		switch {
		case err != nil:
			return false
		case b[n-1] == ' ':
			next, err := r.Peek(n + 1)
			return err == nil && n > 3 && (next[n] == '/' || next[n] == 'h')
		case b[n-1] < 'A' || b[n-1] > 'Z':
			return false
		}
	}
	return false
}

// peeked is a connection with its first bytes in a buffer.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (c peeked) Read(b []byte) (int, error) { return c.r.Read(b) }

// taken is the net.Listener of the connections that were taken.
type taken struct{ *Page }

func (t taken) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		return c, nil
	case <-t.ended:
		return nil, net.ErrClosed
	}
}

// Close is called once, by the server.
func (t taken) Close() error {
	close(t.ended)
	return nil
}

func (t taken) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if p.Pages != nil && strings.HasPrefix(r.URL.Path, ownPath) {
		p.Pages.ServeOwnOrigin(w, r)
		return
	}
	f := p.failure.Load()
	if f == nil {
		// Status 307 keeps the method and the body. The next connection is accepted by
		// the program.
		time.Sleep(redirectDelay)
		w.Header().Set("Location", "http://"+r.Host+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	if !isLoopback(r.Host) || !isLocal(r.RemoteAddr) {
		f = f.public() // other machines do not get source code
	}
	w.Header().Set("Hotstart-Failure", strconv.FormatInt(f.At, 10))
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		p.template.Execute(w, f)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprint(w, f.text())
}

// isLocal reports whether a client is on this machine: it has a loopback address, or, with
// a unix socket, none.
func isLocal(remote string) bool {
	return isLoopback(remote) || !strings.Contains(remote, ":")
}

// text is the failure for a client that does not accept HTML.
func (f *Failure) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "hotstart: %s; %s\n", f.Title, f.Current)
	for _, p := range f.Problems {
		if p.Place != "" {
			b.WriteString(p.Place + ": ")
		}
		b.WriteString(p.Message + "\n")
	}
	if f.Output != "" {
		b.WriteString(f.Output + "\n")
	}
	return b.String()
}
