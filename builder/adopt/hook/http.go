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
	"unsafe"
)

// hotstartHTTP stands before the handler of a server of net/http.
type hotstartHTTP struct {
	worker  *hotstartWorker
	server  *http.Server
	handler http.Handler                 // nil: http.DefaultServeMux
	http2   atomic.Bool                  // it has had requests of HTTP/2
	listed  bool                         // w.servers has it; guarded by w.mu
	unused  bool                         // the last sweep says so; sweep's own
	goneAt  time.Time                    // when its connections of HTTP/2 got GOAWAY; drain's own
	answers map[unsafe.Pointer]time.Time // since when each that has begun was seen; closeStreams's own
}

var _ = hotstartHere.hookHTTP()

func (w *hotstartWorker) hookHTTP() bool {
	if w == nil {
		return false
	}
	before := hotstartServeFunc
	hotstartServeFunc = func(srv *http.Server, l net.Listener) {
		w.attach(srv)
		if before != nil {
			before(srv, l)
		}
	}
	return true
}

// attach puts itself before the handler of a server that is about to serve,
// once, however many listeners it has.
func (w *hotstartWorker) attach(srv *http.Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := srv.Handler.(*hotstartHTTP)
	if !ok {
		h = &hotstartHTTP{worker: w, server: srv, handler: srv.Handler}
		srv.Handler = h
	}
	if !h.listed {
		h.listed = true
		w.servers = append(w.servers, h)
	}
	if len(w.servers) >= w.sweepAt {
		w.sweepAt = 1 << 30 // until it is done
		go w.sweep()
	}
}

// hotstartSweep is how many servers call for a sweep at least.
const hotstartSweep = 64

// sweep forgets servers that have no listener and no connection: a program may make one
// for each connection that it has. One that is about to have a listener looks the same,
// so that it takes two sweeps, a second apart. Servers are looked at without w.mu: one that is being
// closed waits for that, and is locked itself.
func (w *hotstartWorker) sweep() {
	var gone []*hotstartHTTP
	suspects := false
	for _, s := range w.known() {
		if h, ok := s.(*hotstartHTTP); ok {
			unused := h.isUnused()
			if unused && h.unused {
				gone = append(gone, h)
			}
			suspects = suspects || unused && !h.unused
			h.unused = unused
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range gone {
		h.listed, h.unused = false, false
	}
	var rest []hotstartServer
	for _, s := range w.servers {
		if h, ok := s.(*hotstartHTTP); !ok || h.listed {
			rest = append(rest, s)
		}
	}
	w.servers = rest
	if suspects {
		time.AfterFunc(time.Second, w.sweep)
	} else {
		w.sweepAt = 2*len(rest) + hotstartSweep
	}
}

// ServeHTTP implements http.Handler. Once the program drains, answers say
// that the connection ends with them; HTTP/2 makes GOAWAY of it.
//
// The header is set before the handler runs: a ResponseWriter of another type
// would hide what programs look for in that of net/http. So an answer that
// had begun before leaves its connection open, for one more request.
func (h *hotstartHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 && !h.http2.Load() {
		h.http2.Store(true)
	}
	if hotstartUpgrades(r) {
		h.streams(r)
	} else if h.worker.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if hotstartHijacked != nil {
		w = hotstartHijacked(w, r)
	}
	if h.handler == nil {
		http.DefaultServeMux.ServeHTTP(w, r)
	} else {
		h.handler.ServeHTTP(w, r)
	}
	if h.worker.draining.Load() {
		h.worker.touch()
	}
}

// hotstartHasUnread reports whether something has come that nobody has read yet: on a busy
// machine it may wait for long.
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

// hotstartHijacked changes w where the handler may take the connection of r to speak
// HTTP/2 on it. It is nil in a program that has no such handler.
var hotstartHijacked func(w http.ResponseWriter, r *http.Request) http.ResponseWriter

// hotstartUpgrades says whether the answer to r may need the Connection header
// for itself, as that of a WebSocket does. Go's server never answers to h2c,
// which some clients offer with every request.
func hotstartUpgrades(r *http.Request) bool {
	protocol := r.Header.Get("Upgrade")
	return protocol != "" && !strings.EqualFold(protocol, "h2c")
}

func (h *hotstartHTTP) drain() {} // its answers look at draining

// hotstartGoAway is longer than net/http keeps an idle connection of HTTP/2 open
// after GOAWAY.
const hotstartGoAway = 1500 * time.Millisecond

// closeIdle closes connections that wait for a next request. Those of HTTP/2 can
// be told so before: a client that sends a request in the same moment learns that it
// was not heard, and sends it again.
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

// goAway calls what HTTP/2 has registered to be called at the server's Shutdown, that
// of net/http or of golang.org/x/net/http2, and nothing that the program has. Where
// it is not found, connections end without GOAWAY.
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

// isUnused reports whether the server serves nothing.
func (h *hotstartHTTP) isUnused() (is bool) {
	hotstartInside(h.server, func(server reflect.Value) {
		listeners, conns := server.FieldByName("listeners"), server.FieldByName("activeConn")
		is = listeners.IsValid() && listeners.Kind() == reflect.Map && listeners.Len() == 0 &&
			conns.IsValid() && conns.Kind() == reflect.Map && conns.Len() == 0
	})
	return is
}
