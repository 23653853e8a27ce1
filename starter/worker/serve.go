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

// DefaultTimeout is how long [Serve] lets busy requests and hijacked connections go on once it drains.
const DefaultTimeout = 30 * time.Second

const (
	// idleGrace is how long a connection must have been idle to be closed. A client in full swing sends its
	// next request within it, and learns from the answer that the connection ends.
	idleGrace = time.Second
	// freshGrace is the same for a connection that has not sent a request yet, perhaps in the middle of a TLS
	// handshake over a slow line; net/http's own Shutdown allows it as long.
	freshGrace = 5 * time.Second
	// lastTimeout is how long a drain lasts where no worker follows: hotstart watch is about to end, and a person
	// waits for that, but a browser's event stream never ends.
	lastTimeout = 6 * time.Second
	// drainPoll is how often a draining server looks. It says how much later than possible it ends, and costs
	// nothing while it serves.
	drainPoll = 10 * time.Millisecond
	// standstill is between two such looks only if the process stood still meanwhile.
	standstill = 250 * time.Millisecond
	// termPatience is how long Serve waits for the signal that follows drained.
	termPatience = 5 * time.Second
)

// Drain is [Serve] with a limit of its own:
//
//	err := worker.Drain{Timeout: 10 * time.Minute}.Serve(srv, l)
type Drain struct {
	// Timeout is how long requests in flight and hijacked connections may go on once the drain has begun; then
	// they are cut off. 0 is [DefaultTimeout], less is no limit. A superdaemon may be less patient and kill.
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
	// Caught until the end: start_server sends it to an old worker again at each reload.
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

// serveUntilStop serves, drains when it is time to, and returns nil; or the error of srv.Serve if that ends first.
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
	p.ready() // one that can't be told finds that out by itself; it is no reason not to serve

	select {
	case err := <-ended:
		return err
	case s := <-term:
		select {
		case term <- s: // awaitTerm is to find it
		default: // one more came, and will do
		}
		p.stop.begin()
	case <-p.stop.begun:
	}
	c.leaving.Store(true)
	c.h2c.leave()
	l.Close() // returns when no accept(2) is under way; what that one took, srv.Serve still starts to serve
	<-ended
	c.end.Do(func() { d.empty(srv, c, p.stop.last) })
	return nil
}

// empty waits until srv, which accepts nothing more, has no connection left, or until the time is up. It is up
// earlier once last is closed.
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
		return c.quiet(now, from.at(now), d.idle, d.fresh) && !c.unread() && !hasBegun(srv)
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

// grace knows from when on a draining server counts how long its clients are idle: from its beginning, or from when
// the process last stood still. The whole machine may have, and its clients with it.
type grace struct{ from, last time.Time }

func newGrace(began time.Time) *grace { return &grace{began, began} }

// at is asked at each look of the server, which is now.
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

// poll returns when the condition holds or ctx is done.
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

// awaitTerm returns when hotstart has been told drained and has sent its signal, so that this doesn't meet the
// program at its cleanup, with nobody left to catch it. It returns at once if hotstart did not ask, and soon if
// hotstart has another signal in mind.
func (p *process) awaitTerm(term <-chan os.Signal) {
	b := p.broker()
	if b == nil || !isDone(b.drainRequested) {
		return
	}
	<-b.drainedSent
	select {
	case <-term:
	case <-b.Disconnected:
	case <-time.After(termPatience):
	}
}
