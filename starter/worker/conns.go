package worker

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conns follows the connections of one server, and asks its clients to leave when it drains. It wraps the handler
// and the ConnState hook of the server.
type conns struct {
	handler http.Handler                   // of the program
	hook    func(net.Conn, http.ConnState) // of the program, or nil
	leaving atomic.Bool                    // answers carry Connection: close
	h2c     h2c                            // connections that the handler hijacked for HTTP/2
	end     sync.Once                      // waits once for a server with several listeners

	mu        sync.Mutex
	accepting int                   // Serve calls that may still accept; guarded by mu
	open      map[net.Conn]state    // connections that are not hijacked; guarded by mu
	hijacked  map[net.Conn]struct{} // some may be closed; guarded by mu
	sweepAt   int                   // number of hijacked connections that starts a sweep; guarded by mu
}

// state is the state of a connection, and its beginning.
type state struct {
	is    http.ConnState
	since time.Time
}

// minSweep is the least number of hijacked connections that starts a sweep.
const minSweep = 64

// newConns wraps handler and hook, each of which may be nil.
func newConns(handler http.Handler, hook func(net.Conn, http.ConnState)) *conns {
	if handler == nil {
		handler = http.DefaultServeMux
	}
	return &conns{
		handler:  handler,
		hook:     hook,
		open:     make(map[net.Conn]state),
		hijacked: make(map[net.Conn]struct{}),
		sweepAt:  minSweep,
	}
}

// attach wraps srv's handler and hook, once, and counts one Serve call. The caller prevents concurrent calls.
func attach(srv *http.Server) *conns {
	c, ok := srv.Handler.(*conns)
	if !ok {
		c = newConns(srv.Handler, srv.ConnState)
		srv.Handler, srv.ConnState = c, c.changed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepting++
	return c
}

// ServeHTTP implements [http.Handler].
//
// The header is set before the handler runs, not when the handler writes: a wrapper of net/http's ResponseWriter
// would hide methods that programs call (http.MaxBytesReader calls an unexported one). The answer to a request that
// was in flight when the drain began lacks the header; its connection becomes idle, and closes with the next answer.
func (c *conns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.leaving.Load() && !upgrades(r) {
		w.Header().Set("Connection", "close")
	}
	c.handler.ServeHTTP(c.h2c.watch(w, r), r)
}

// upgrades reports whether the answer to r may need its own Connection header, as the handshake of a WebSocket does.
// Go's server never answers an offer of h2c, which some clients send with every request.
func upgrades(r *http.Request) bool {
	protocol := r.Header.Get("Upgrade")
	return protocol != "" && !strings.EqualFold(protocol, "h2c")
}

// changed is the ConnState hook.
func (c *conns) changed(conn net.Conn, is http.ConnState) {
	c.track(conn, is, time.Now())
	if c.hook != nil {
		c.hook(conn, is)
	}
}

// track records that conn is in a state from now on.
func (c *conns) track(conn net.Conn, is http.ConnState, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch is {
	case http.StateClosed:
		delete(c.open, conn)
	case http.StateHijacked:
		delete(c.open, conn)
		c.hijacked[conn] = struct{}{}
		if len(c.hijacked) >= c.sweepAt {
			c.sweep()
			c.sweepAt = max(minSweep, 2*len(c.hijacked))
		}
	default:
		c.open[conn] = state{is, now}
	}
}

// sweep forgets hijacked connections that the program has closed: net/http does not report that. The caller holds mu.
func (c *conns) sweep() {
	for conn := range c.hijacked {
		if isClosed(conn) {
			delete(c.hijacked, conn)
		}
	}
}

// stopAccepting ends the count of a Serve call, which no longer accepts.
func (c *conns) stopAccepting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepting--
}
