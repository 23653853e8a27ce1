package worker

import (
	"cmp"
	"context"
	"net/http"
	"time"
)

// DefaultTimeout limits how long [Serve] waits for busy requests and hijacked connections when it drains.
const DefaultTimeout = 30 * time.Second

const (
	// idleGrace is the idle time after which a connection is closed. A client that sends one request after the
	// other sends its next request within this time, and learns from the answer that the connection ends.
	idleGrace = time.Second
	// freshGrace is the same for a connection that has not sent a request yet, perhaps during a TLS handshake over
	// a slow line. net/http's Shutdown allows the same time.
	freshGrace = 5 * time.Second
	// lastTimeout limits a drain after which no worker follows: hotstart watch is about to end, and a person waits
	// for it, but a browser's event stream never ends.
	lastTimeout = 6 * time.Second
	// drainPoll is the interval at which a draining server checks its connections. It delays the end of the drain
	// by that much at most, and costs nothing while the server serves.
	drainPoll = 10 * time.Millisecond
	// standstill is a time between two checks that is only possible if the process stood still.
	standstill = 250 * time.Millisecond
)

// Drain is [Serve] with a limit of its own:
//
//	err := worker.Drain{Timeout: 10 * time.Minute}.Serve(srv, l)
type Drain struct {
	// Timeout limits the drain: then requests in flight and hijacked connections are cut off. 0 means
	// [DefaultTimeout], a negative value means no limit. A superdaemon may have a shorter timeout, and kill.
	Timeout time.Duration

	idle, fresh, last time.Duration // 0 are idleGrace, freshGrace and lastTimeout
}

func (d Drain) withDefaults() Drain {
	d.Timeout = cmp.Or(d.Timeout, DefaultTimeout)
	d.idle, d.fresh, d.last = cmp.Or(d.idle, idleGrace), cmp.Or(d.fresh, freshGrace), cmp.Or(d.last, lastTimeout)
	return d
}

// empty waits until srv, which no longer accepts, has no connection left, or until the timeout. The timeout is
// shorter once last is closed.
func (d Drain) empty(srv *http.Server, c *conns, last <-chan struct{}) {
	from := newGrace(time.Now())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if d.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.Timeout)
		defer cancel()
	}
	go func() { // ends with ctx
		select {
		case <-last:
			time.AfterFunc(d.last, cancel)
		case <-ctx.Done():
		}
	}()
	poll(ctx, func() bool {
		now := time.Now()
		return c.quiet(now, from.at(now), d.idle, d.fresh) && !c.hasPendingData() && !hasBegun(srv)
	})
	c.closeFresh()
	if srv.Shutdown(ctx) != nil {
		srv.Close()
	}
	poll(ctx, func() bool {
		c.h2c.closeIdle()
		return c.released()
	})
}

// quiet reports whether nothing is in flight at now: no Serve call accepts, and every connection has been idle for
// the time idle or, if it never sent a request, open for the time fresh. Both are counted from began at the earliest.
// Hijacked connections do not count.
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

// hasPendingData reports whether received data waits on any connection. On a busy machine the data may wait long
// before the goroutine of its connection runs, and the connection looks idle.
func (c *conns) hasPendingData() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		if hasUnread(conn) {
			return true
		}
	}
	return false
}

// closeFresh closes connections that never sent a request: Shutdown would wait for them.
func (c *conns) closeFresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, s := range c.open {
		if s.is == http.StateNew {
			conn.Close()
		}
	}
}

// released reports whether every hijacked connection is closed.
func (c *conns) released() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sweep()
	return len(c.hijacked) == 0
}

// grace is the time from which a draining server counts how long its clients are idle: the beginning of the drain, or
// the last time when the process stood still. The whole machine may have stood still, and its clients with it.
type grace struct{ from, last time.Time }

func newGrace(began time.Time) *grace { return &grace{began, began} }

// at returns that time. It is called at each check of the server, which is now.
func (g *grace) at(now time.Time) time.Time {
	if now.Sub(g.last) > standstill {
		g.from = now
	}
	g.last = now
	return g.from
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// poll returns when the condition is true or ctx is done.
func poll(ctx context.Context, condition func() bool) {
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
