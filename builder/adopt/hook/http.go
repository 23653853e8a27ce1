package hook

import (
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe" // for go:linkname too
)

//go:linkname hotstartServeFunc net/http.testHookServerServe
var hotstartServeFunc func(*http.Server, net.Listener)

//go:linkname hotstartCloseIdle net/http.(*Server).closeIdleConns
func hotstartCloseIdle(*http.Server) bool

// hotstartHTTP wraps the handler of a server of net/http.
type hotstartHTTP struct {
	worker   *hotstartWorker
	server   *http.Server
	handler  http.Handler                 // the program's handler; nil for http.DefaultServeMux
	http2    atomic.Bool                  // the server has had requests of HTTP/2
	listed   bool                         // worker.servers has it; guarded by worker.mu
	servedAt time.Time                    // time of the last call of Serve; guarded by worker.mu
	goneAt   time.Time                    // time of GOAWAY to connections of HTTP/2; used by the drain alone
	answers  map[unsafe.Pointer]time.Time // answers that have begun, since when; used by closeStreams alone
}

var _ = hotstartHere.hookHTTP()

func (w *hotstartWorker) hookHTTP() bool {
	if w == nil {
		return false
	}
	hotstartScheme = hotstartHTTPScheme
	before := hotstartServeFunc
	hotstartServeFunc = func(srv *http.Server, l net.Listener) {
		w.attach(srv)
		if before != nil {
			before(srv, l)
		}
	}
	return true
}

// attach wraps the handler of a server that is about to serve. A server with several listeners is wrapped once.
func (w *hotstartWorker) attach(srv *http.Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := srv.Handler.(*hotstartHTTP)
	if !ok {
		h = &hotstartHTTP{worker: w, server: srv, handler: srv.Handler}
		srv.Handler = h
		if hotstartServeH2C != nil {
			hotstartServeH2C(srv)
		}
	}
	h.servedAt = time.Now()
	if !h.listed {
		h.listed = true
		w.servers = append(w.servers, h)
	}
	if len(w.servers) >= w.sweepAt {
		w.sweepAt = 1 << 30 // until the sweep is done
		go w.sweep()
	}
}

// hotstartSweep is the least number of servers that starts a sweep.
const hotstartSweep = 64

// sweep forgets servers that have no listener and no connection: a program may make a server for each of its
// connections. A server that is about to get a listener looks unused as well, for less than a second. sweep looks at
// servers without holding w.mu: a server that is being closed holds its own lock and waits for w.mu.
func (w *hotstartWorker) sweep() {
	unused := map[*hotstartHTTP]bool{}
	for _, s := range w.allServers() {
		if h, ok := s.(*hotstartHTTP); ok && h.isUnused() {
			unused[h] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var rest []hotstartServer
	again := false
	for _, s := range w.servers {
		h, ok := s.(*hotstartHTTP)
		if ok && unused[h] && time.Since(h.servedAt) > time.Second {
			h.listed = false
			continue
		}
		again = again || unused[h]
		rest = append(rest, s)
	}
	w.servers, w.sweepAt = rest, 2*len(rest)+hotstartSweep
	if again {
		w.sweepAt = 1 << 30
		time.AfterFunc(time.Second, w.sweep)
	}
}

// ServeHTTP implements http.Handler. While the program drains, it adds "Connection: close" to answers; HTTP/2
// sends GOAWAY for it.
//
// The header is set before the handler runs: a ResponseWriter of another type
// would hide methods that programs expect of the ResponseWriter of net/http. Therefore an answer that
// began before the drain leaves its connection open, for one more request.
func (h *hotstartHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 && !h.http2.Load() {
		h.http2.Store(true)
	}
	navigates := h.worker.wasHeld() && hotstartNavigation != nil && hotstartNavigation(r)
	if (navigates || hotstartRestyles(r)) && h.leavesToNewer(w, r) {
		h.worker.markBusy()
		return
	}
	if hotstartUpgrades(r) {
		h.streams(r)
	} else if h.worker.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if hotstartServeH2C != nil && strings.EqualFold(r.Header.Get("Upgrade"), "h2c") {
		r.Header.Del("Upgrade") // a server may ignore the offer (RFC 7540, section 3.2); RFC 9113 has removed it
	}
	handler := h.handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	if hotstartServePages != nil {
		hotstartServePages(handler, w, r)
	} else {
		handler.ServeHTTP(w, r)
	}
	if h.worker.draining.Load() {
		h.worker.markBusy()
	}
}

// hotstartHasUnread reports whether received data waits to be read. On a busy machine it may wait for long.
func hotstartHasUnread(conn net.Conn) bool {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn
		return hotstartHasUnread(over.NetConn())
	}
	system, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	raw.Control(func(fd uintptr) {
		n, _, _ = syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return n > 0
}

// hotstartServeH2C lets net/http serve HTTP/2 without TLS. It is nil in a program without golang.org/x/net/http2/h2c.
var hotstartServeH2C func(srv *http.Server)

// hotstartServePages calls the handler, and makes pages reload by themselves. It is nil if hotstart does not ask for
// that.
var hotstartServePages func(handler http.Handler, w http.ResponseWriter, r *http.Request)

// hotstartUpgrades reports whether the answer to r may need its own Connection header, as the handshake of a
// WebSocket does. Go's server never answers an offer of h2c, which some clients send with every request.
func hotstartUpgrades(r *http.Request) bool {
	protocol := r.Header.Get("Upgrade")
	return protocol != "" && !strings.EqualFold(protocol, "h2c")
}

func (h *hotstartHTTP) drain() {} // ServeHTTP looks at draining

// hotstartGoAway is longer than the time for which net/http keeps an idle connection of HTTP/2 open after GOAWAY.
const hotstartGoAway = 1500 * time.Millisecond

// closeIdle closes connections that wait for a next request. Clients of HTTP/2 get GOAWAY before: a client that
// sends a request at the same moment learns that the request was not processed, and sends it again.
func (h *hotstartHTTP) closeIdle() {
	if h.http2.Load() {
		if h.goneAt.IsZero() {
			h.goneAt = time.Now()
			h.goAway()
		}
		if time.Since(h.goneAt) < hotstartGoAway {
			return
		}
	}
	if !hotstartHasBegun(h.server) {
		hotstartCloseIdle(h.server)
	}
}

// goAway calls the function that HTTP/2 (net/http or golang.org/x/net/http2) has registered for the server's
// Shutdown, and no function that the program has registered. If that function is not found, connections end
// without GOAWAY.
func (h *hotstartHTTP) goAway() {
	var registered []func()
	hotstartInside(h.server, func(server reflect.Value) {
		if list := server.FieldByName("onShutdown"); list.IsValid() && list.Type() == reflect.TypeOf(registered) {
			registered = append(registered, *(*[]func())(unsafe.Pointer(list.UnsafeAddr()))...)
		}
	})
	for _, f := range registered {
		of := runtime.FuncForPC(reflect.ValueOf(f).Pointer())
		if of != nil && strings.HasSuffix(of.Name(), "erverInternalState).startGracefulShutdown-fm") {
			f()
		}
	}
}

// isUnused reports whether the server has no listener and no connection.
func (h *hotstartHTTP) isUnused() (is bool) {
	hotstartInside(h.server, func(server reflect.Value) {
		listeners, conns := server.FieldByName("listeners"), server.FieldByName("activeConn")
		is = listeners.IsValid() && listeners.Kind() == reflect.Map && listeners.Len() == 0 &&
			conns.IsValid() && conns.Kind() == reflect.Map && conns.Len() == 0
	})
	return is
}

func hotstartHTTPScheme() string {
	callers := hotstartCallers()
	http := strings.Contains(callers, "\nnet/http.(*Server).") || strings.Contains(callers, "\ngithub.com/valyala/fasthttp.(*Server).")
	switch {
	case http && strings.Contains(callers, "\ncrypto/tls.(*listener).Accept"):
		return "https"
	case http:
		return "http"
	}
	return "tcp"
}
