package hook

import (
	"net"
	"net/http"
	"strings"
)

// hotstartHTTP stands before the handler of a server of net/http.
type hotstartHTTP struct {
	worker  *hotstartWorker
	server  *http.Server
	handler http.Handler // nil: http.DefaultServeMux
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
	if _, ok := srv.Handler.(*hotstartHTTP); ok {
		return
	}
	h := &hotstartHTTP{worker: w, server: srv, handler: srv.Handler}
	srv.Handler = h
	w.servers = append(w.servers, h)
}

// ServeHTTP implements http.Handler. Once the program drains, answers say
// that the connection ends with them; HTTP/2 makes GOAWAY of it.
//
// The header is set before the handler runs: a ResponseWriter of another type
// would hide what programs look for in that of net/http. So an answer that
// had begun before leaves its connection open, for one more request.
func (h *hotstartHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.worker.isDraining() && !hotstartUpgrades(r) {
		w.Header().Set("Connection", "close")
	}
	if h.handler == nil {
		http.DefaultServeMux.ServeHTTP(w, r)
	} else {
		h.handler.ServeHTTP(w, r)
	}
	if h.worker.isDraining() {
		h.worker.touch()
	}
}

// hotstartUpgrades says whether the answer to r may need the Connection header
// for itself, as that of a WebSocket does. Go's server never answers to h2c,
// which some clients offer with every request.
func hotstartUpgrades(r *http.Request) bool {
	protocol := r.Header.Get("Upgrade")
	return protocol != "" && !strings.EqualFold(protocol, "h2c")
}

func (h *hotstartHTTP) drain() {}

func (h *hotstartHTTP) closeIdle() { hotstartCloseIdle(h.server) }
