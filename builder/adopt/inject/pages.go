// Package inject adds a script to the pages of an instrumented program, so that they reload by themselves. Like package
// hook, its code is compiled into the program: see there for what it may use.
//
// Only navigations of a browser are changed. Every other request reaches the program's handler with the ResponseWriter
// of net/http.
package inject

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// hotstartOwnPath begins the paths that hotstart answers, below each origin of the program.
const hotstartOwnPath = "/.hotstart/"

const (
	// hotstartBodySize limits the body of a request of hotstart's script.
	hotstartBodySize = 32 << 10
	// hotstartPatience is how long a page waits for its script if hotstart is suspended.
	hotstartPatience = time.Second
)

// hotstartPages makes pages reload. hotstart's server answers their script, by way of this process: so the script has
// the origin of the page.
type hotstartPages struct {
	server  string        // address of hotstart's server
	drained chan struct{} // closed when the drain begins
}

func hotstartNewPages(server string) *hotstartPages {
	return &hotstartPages{server: server, drained: make(chan struct{})}
}

// drain ends the streams of events. Then the pages ask again, and a newer worker answers.
func (p *hotstartPages) drain() { close(p.drained) }

func (p *hotstartPages) isDraining() bool {
	select {
	case <-p.drained:
		return true
	default:
		return false
	}
}

// serve answers a request of hotstart's script, or calls the handler of the program.
func (p *hotstartPages) serve(handler http.Handler, w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, hotstartOwnPath) {
		p.answer(w, r)
		return
	}
	if hotstartNavigates(r) {
		if page, writer := p.wrap(w); page != nil {
			// The server keeps r, and removes the files of its form: a copy would hide them.
			r.Header.Del("Accept-Encoding")
			handler.ServeHTTP(writer, r)
			page.finish() // not after a panic
			return
		}
	}
	handler.ServeHTTP(w, r)
}

// hotstartNavigates reports whether a browser requests a page to show it in a window. Over plain http, a browser sends
// no Sec-Fetch-Dest to another machine.
func hotstartNavigates(r *http.Request) bool {
	header := r.Header
	if r.Method != http.MethodGet || header["Upgrade"] != nil || header["Range"] != nil {
		return false
	}
	if dest := header["Sec-Fetch-Dest"]; dest != nil {
		return dest[0] == "document"
	}
	if !strings.Contains(header.Get("Accept"), "text/html") || !strings.HasPrefix(header.Get("User-Agent"), "Mozilla/") {
		return false
	}
	for _, name := range []string{"Hx-Request", "Datastar-Request", "Turbo-Frame", "X-Requested-With", "Sec-Purpose"} {
		if header[name] != nil {
			return false
		}
	}
	return true
}

// answer passes a request on to hotstart's server, which decides who gets what. A stream of events ends when the worker
// drains, or its server shuts down.
func (p *hotstartPages) answer(w http.ResponseWriter, r *http.Request) {
	header := http.Header{"Hotstart-Host": {r.Host}, "Hotstart-Peer": {r.RemoteAddr}}
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Forwarded", "X-Forwarded-For"} {
		if values := r.Header[name]; values != nil {
			header["Hotstart-"+name] = values
		}
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, hotstartBodySize))
	conn, response, err := p.ask(r.Method, r.URL.EscapedPath(), header, body)
	if err != nil {
		http.Error(w, "hotstart does not answer", http.StatusServiceUnavailable)
		return
	}
	defer conn.Close()
	for _, name := range []string{"Content-Type", "Cache-Control"} {
		w.Header().Set(name, response.Header.Get(name))
	}
	if response.Header.Get("Content-Type") != "text/event-stream" {
		w.WriteHeader(response.StatusCode)
		io.Copy(w, response.Body)
		return
	}
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close") // an idle connection would delay the drain
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if server, ok := ctx.Value(http.ServerContextKey).(*http.Server); ok {
		server.RegisterOnShutdown(cancel)
	}
	go func() { // ends with the request
		select {
		case <-p.drained:
		case <-ctx.Done():
		}
		conn.Close()
	}()
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Time{})
	control.SetWriteDeadline(time.Time{})
	b := make([]byte, 4096)
	for err == nil && control.Flush() == nil {
		var n int
		n, err = response.Body.Read(b)
		w.Write(b[:n])
	}
}

// ask sends a request to hotstart's server. The caller closes the connection.
func (p *hotstartPages) ask(method, path string, header http.Header, body []byte) (net.Conn, *http.Response, error) {
	conn, err := net.DialTimeout("tcp", p.server, hotstartPatience)
	if err != nil {
		return nil, nil, err
	}
	var request strings.Builder
	request.WriteString(method + " " + path + " HTTP/1.0\r\nHost: localhost\r\n")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Write(&request)
	io.WriteString(conn, request.String()+"\r\n"+string(body))
	conn.SetReadDeadline(time.Now().Add(hotstartPatience))
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	conn.SetReadDeadline(time.Time{})
	if err != nil {
		conn.Close()
	}
	return conn, response, err
}

// check lets hotstart check whether the policies of a page, in its header and in an element of its head, allow its tag,
// and report what blocks it. A tag in the head is before that element, which does not apply to it.
func (p *hotstartPages) check(policy, meta, tag string, inHead bool) {
	header := http.Header{"Hotstart-Policy": {policy}, "Hotstart-Meta": {meta}, "Hotstart-Tag": {tag}}
	if inHead {
		header.Set("Hotstart-In-Head", "1")
	}
	if conn, _, err := p.ask(http.MethodGet, hotstartOwnPath+"policy", header, nil); err == nil {
		conn.Close()
	}
}
