package worker

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// termTimeout limits how long Serve waits for the signal that follows drained.
const termTimeout = 5 * time.Second

// Serve is [Serve] with the limit of d.
func (d Drain) Serve(srv *http.Server, l net.Listener) error {
	return program().serve(d.withDefaults(), srv, l)
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
