package worker

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
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
	// termTimeout limits how long Serve waits for the signal that follows drained.
	termTimeout = 5 * time.Second
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

// Serve is [Serve] with the limit of d.
func (d Drain) Serve(srv *http.Server, l net.Listener) error {
	return program().serve(d.withDefaults(), srv, l)
}

func (d Drain) withDefaults() Drain {
	if d.Timeout == 0 {
		d.Timeout = DefaultTimeout
	}
	if d.idle == 0 {
		d.idle = idleGrace
	}
	if d.fresh == 0 {
		d.fresh = freshGrace
	}
	if d.last == 0 {
		d.last = lastTimeout
	}
	return d
}

// serve is Drain.Serve for p.
func (p *process) serve(d Drain, srv *http.Server, l net.Listener) error {
	// SIGTERM is caught until the end: start_server sends it to an old worker again at each reload.
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	defer signal.Stop(term)

	if isDone(p.stop.begun) {
		l.Close()
	} else if err := p.serveUntilStop(d, srv, l, term); err != nil {
		return err
	}
	<-p.stop.done // if this call returned first, main could end under the requests of another
	p.awaitTerm(term)
	return nil
}

// serveUntilStop serves until the stop begins, then drains and returns nil. If srv.Serve ends before, it returns the
// error of srv.Serve.
func (p *process) serveUntilStop(d Drain, srv *http.Server, l net.Listener, term chan os.Signal) error {
	p.stop.enter()
	defer p.stop.leave()
	p.attaching.Lock()
	c := attach(srv)
	p.attaching.Unlock()
	ended := make(chan error, 1)
	go func() { // ends when l is closed
		err := srv.Serve(l)
		c.stopAccepting()
		ended <- err
	}()
	p.ready() // after an error the program serves all the same

	select {
	case err := <-ended:
		return err
	case s := <-term:
		select {
		case term <- s: // for awaitTerm
		default: // another one has come
		}
		p.stop.begin()
	case <-p.stop.begun:
	}
	c.leaving.Store(true)
	c.h2c.leave()
	l.Close() // returns when no accept(2) is under way; srv.Serve still serves a connection that was accepted
	<-ended
	c.end.Do(func() { d.empty(srv, c, p.stop.last) })
	return nil
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
			wait(ctx, d.last)
			cancel()
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

// wait returns after d, or when ctx is done.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
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

// awaitTerm returns when drained was sent and hotstart's signal has come. Without this wait the signal would come
// during the cleanup of the program, when it is no longer caught. awaitTerm returns immediately if hotstart did not
// ask for the drain, and after termTimeout if hotstart sends another signal.
func (p *process) awaitTerm(term <-chan os.Signal) {
	b := p.broker()
	if b == nil || !isDone(b.drainRequested) {
		return
	}
	<-b.drainedSent
	select {
	case <-term:
	case <-b.Disconnected:
	case <-time.After(termTimeout):
	}
}
