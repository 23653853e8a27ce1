package worker

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// conns follows the connections of one server, and asks its clients to leave when it drains. It stands before
// the handler and the ConnState hook of the server, which it calls.
type conns struct {
	handler http.Handler                   // the program's own
	hook    func(net.Conn, http.ConnState) // the program's own, or nil
	leaving atomic.Bool                    // answers carry Connection: close
	h2c     h2c                            // connections that the handler took for HTTP/2
	end     sync.Once                      // the last wait, if the server is served on several listeners

	mu        sync.Mutex
	accepting int                   // Serve calls that may still accept; guarded by mu
	open      map[net.Conn]state    // all but hijacked ones; guarded by mu
	hijacked  map[net.Conn]struct{} // some may be closed; guarded by mu
	sweepAt   int                   // how many hijacked connections call for a sweep; guarded by mu
}

// state is what a connection is, and since when.
type state struct {
	is    http.ConnState
	since time.Time
}

// minSweep keeps the sweeps of hijacked connections rare where there are few.
const minSweep = 64

// newConns stands before handler and hook, each of which may be nil.
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

// attach puts conns before srv's handler and hook, once, and counts in one Serve call. The caller excludes others.
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
// The header is set before the handler runs, not when it writes: a ResponseWriter around the one of net/http
// would hide what programs ask it for (http.MaxBytesReader asks for a method that nobody else can have). A
// request that was in flight when the drain began is answered without it; its connection is then idle like
// others, and closed with the next answer.
func (c *conns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.leaving.Load() && !upgrades(r) {
		w.Header().Set("Connection", "close")
	}
	c.handler.ServeHTTP(c.h2c.watch(w, r), r)
}

// upgrades says whether the answer to r may need the Connection header for itself, as that of a WebSocket does.
// Go's server never answers to h2c, which some clients offer with every request.
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

// track remembers that conn is in a state from now on.
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

// sweep forgets hijacked connections that the program has closed, with mu held: net/http doesn't tell of it.
func (c *conns) sweep() {
	for conn := range c.hijacked {
		if isClosed(conn) {
			delete(c.hijacked, conn)
		}
	}
}

// stopAccepting counts out a Serve call that accepts nothing more.
func (c *conns) stopAccepting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepting--
}

// quiet says whether nothing is in flight at now: nothing accepts, and every connection has been idle for the
// time of idle or, if it never sent a request, open for that of fresh, both counted from began at the earliest.
// It leaves hijacked ones aside.
func (c *conns) quiet(now, began time.Time, idle, fresh time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.open {
		limit := idle
		switch s.is {
		case http.StateActive:
			return false
		case http.StateNew:
			limit = fresh
		}
		if now.Sub(later(s.since, began)) < limit {
			return false
		}
	}
	return c.accepting == 0
}

// unread says whether a request waits on any connection. On a busy machine it may wait for long before the
// goroutine of its connection runs, so that the connection looks idle.
func (c *conns) unread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		if hasUnread(conn) {
			return true
		}
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// released says whether every hijacked connection is closed.
func (c *conns) released() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	return len(c.hijacked) == 0
}

// closeFresh closes connections that never sent a request, which Shutdown would wait for.
func (c *conns) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, s := range c.open {
		if s.is == http.StateNew {
			conn.Close()
		}
	}
}
