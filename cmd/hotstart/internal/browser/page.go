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

// A Page answers in place of a program that is not there.
type Page struct {
	template *template.Template
	trouble  atomic.Pointer[Trouble]
	server   *http.Server
	conns    chan net.Conn
	ended    chan struct{}
}

const (
	// firstWord is how long a client may take to begin.
	firstWord = 5 * time.Second
	// onTheWay is how long who asked is kept before he is sent to the program: the
	// page may still accept for a moment, and clients follow ten times or twenty.
	onTheWay = 100 * time.Millisecond
)

// NewPage makes a page of a template for a Trouble. Its goroutine ends with
// Close.
func NewPage(t *template.Template) *Page {
	p := &Page{template: t, conns: make(chan net.Conn), ended: make(chan struct{})}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: firstWord}
	p.server.SetKeepAlivesEnabled(false) // the next request may be the program's
	go p.server.Serve(taken{p})
	return p
}

// Show has the page tell of a trouble. With nil, whoever asks is sent where
// he is already: to the program, that is.
func (p *Page) Show(t *Trouble) { p.trouble.Store(t) }

// Close ends every connection.
func (p *Page) Close() error { return p.server.Close() }

// Take answers on a connection if it is for HTTP, and else closes it.
func (p *Page) Take(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(firstWord))
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

// beginsRequest reports whether what comes begins as a request of HTTP/1.
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

// peeked is a connection whose beginning was looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (c peeked) Read(b []byte) (int, error) { return c.r.Read(b) }

// taken is the net.Listener of what was taken.
type taken struct{ *Page }

func (t taken) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		return c, nil
	case <-t.ended:
		return nil, net.ErrClosed
	}
}

// Close is called by the server, once.
func (t taken) Close() error {
	close(t.ended)
	return nil
}

func (t taken) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	t := p.trouble.Load()
	if t == nil {
		// 307 keeps the method and the body. The connection ends, so the
		// next one is the program's.
		time.Sleep(onTheWay)
		w.Header().Set("Location", "http://"+r.Host+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	if !isLoopback(r.Host) || !isNear(r.RemoteAddr) {
		t = &Trouble{Title: t.Title, Standing: t.Standing, At: t.At} // source code is not for strangers
	}
	w.Header().Set("Hotstart-Trouble", strconv.FormatInt(t.At, 10))
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		p.template.Execute(w, t)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprint(w, t.text())
}

// isNear reports whether a peer is on this machine: by a loopback address, or
// by a unix socket, which has none.
func isNear(remote string) bool {
	return isLoopback(remote) || !strings.Contains(remote, ":")
}

// text is the trouble for a client that shows no pages.
func (t *Trouble) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "hotstart: %s; %s\n", t.Title, t.Standing)
	for _, p := range t.Problems {
		if p.Place != "" {
			b.WriteString(p.Place + ": ")
		}
		b.WriteString(p.Message + "\n")
	}
	if t.Output != "" {
		b.WriteString(t.Output + "\n")
	}
	return b.String()
}
