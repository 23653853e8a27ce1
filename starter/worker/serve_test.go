package worker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// quick has a short idle time for tests.
var quick = Drain{Timeout: 10 * time.Second, idle: 50 * time.Millisecond, fresh: 100 * time.Millisecond}

// service is a server that runs in the test.
type service struct {
	process *process
	network string
	address string
	fd      int // the superdaemon's socket, in blocking mode at first
	server  *http.Server
	ended   chan error
	log     *lines // what net/http logged
}

// lines returns the logged lines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// inherited returns a service that does not serve yet, of a process that inherited a TCP socket.
func inherited(t testing.TB) *service {
	t.Helper()
	fd, address := rawSocket(t, "tcp")
	return &service{process: inheriting(t, map[string]int{address: fd}), network: "tcp", address: address, fd: fd}
}

// start serves handler on an inherited TCP socket.
func start(t testing.TB, d Drain, handler http.HandlerFunc) *service {
	t.Helper()
	s := inherited(t)
	s.serve(t, d, &http.Server{Handler: handler}, nil)
	return s
}

// serve calls Serve with the inherited socket of s, over TLS unless config is nil.
func (s *service) serve(t testing.TB, d Drain, srv *http.Server, config *tls.Config) {
	t.Helper()
	l, err := s.process.listen(s.network, s.address)
	check(t, "listening", err)
	if config != nil {
		l = tls.NewListener(l, config)
	}
	s.server, s.ended, s.log = srv, make(chan error, 1), &lines{}
	if srv.ErrorLog == nil {
		srv.ErrorLog = log.New(s.log, "", 0)
	}
	go func() { s.ended <- s.process.serve(d.withDefaults(), srv, l) }()
}

// drain begins the drain and waits until s no longer accepts.
func (s *service) drain(t testing.TB) {
	t.Helper()
	s.process.stop.begin()
	waitFor(t, "the drain", s.isDraining)
}

func (s *service) isDraining() bool {
	s.process.attaching.Lock()
	defer s.process.attaching.Unlock()
	c, ok := s.server.Handler.(*conns)
	if !ok {
		return false // Serve is called, and has not come that far
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accepting == 0
}

// checkEnd waits for Serve to return nil, with nothing logged.
func (s *service) checkEnd(t testing.TB) {
	t.Helper()
	if err := await(t, "the end of Serve", s.ended); err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if s.log.String() != "" {
		t.Errorf("net/http logged %q", s.log)
	}
}

func (s *service) dial(t testing.TB) *client {
	t.Helper()
	conn, err := net.Dial(s.network, s.address)
	check(t, "dialing", err)
	t.Cleanup(func() { conn.Close() })
	return newClient(conn)
}

// mustDo sends a request, and reports whether its answer ends the connection.
func (c *client) mustDo(t testing.TB, method, body string) (last bool, answer string) {
	t.Helper()
	resp, answer, err := c.do(method, body)
	check(t, method, err)
	return resp.Close, answer
}

// isEnded reports whether the server has closed the connection.
func (c *client) isEnded(t testing.TB) bool {
	t.Helper()
	_, err := c.in.ReadByte()
	return err == io.EOF
}

func TestServeEndsQuietly(t *testing.T) {
	t.Parallel()
	s := start(t, quick, echo)
	if got := get(t, s.network, s.address); got != "0 " {
		t.Errorf("got %q", got)
	}
	s.drain(t)
	waitFor(t, "the superdaemon's descriptor of the socket to be the only one", func() bool { return copies(t, s.fd) == 1 })
	s.checkEnd(t)
}

// An idle connection is served once more if its client sends a request in time; the answer ends the connection.
func TestDrainAnswersIdleConnectionsOnceMore(t *testing.T) {
	t.Parallel()
	d := quick
	d.idle = 5 * time.Second
	s := start(t, d, echo)
	comes, stays := s.dial(t), s.dial(t)
	for _, c := range []*client{comes, stays} {
		if last, _ := c.mustDo(t, "POST", "a"); last {
			t.Error("the answer of a serving worker ends the connection")
		}
	}
	s.drain(t)
	if last, answer := comes.mustDo(t, "POST", "b"); !last || answer != "0 b" {
		t.Errorf("a draining worker answered %q, last %v", answer, last)
	}
	if !comes.isEnded(t) {
		t.Error("the connection stays open after an answer with Connection: close")
	}
	stays.conn.Close()
	s.checkEnd(t)
}

// leavesQueue reports whether a new connection stays in the queue of the socket, for the superdaemon.
func (s *service) leavesQueue(t testing.TB) bool {
	t.Helper()
	conn, err := net.Dial(s.network, s.address)
	check(t, "dialing", err)
	defer conn.Close()
	check(t, "setting", syscall.SetNonblock(s.fd, true)) // as package net has done long ago
	for late := time.Now().Add(10 * time.Second); time.Now().Before(late); time.Sleep(time.Millisecond) {
		if fd, _, err := syscall.Accept(s.fd); err == nil {
			syscall.Close(fd)
			return true
		}
	}
	return false
}

func TestDrainEndsIdleConnections(t *testing.T) {
	t.Parallel()
	s := start(t, quick, echo)
	idle, fresh := s.dial(t), s.dial(t)
	idle.mustDo(t, "GET", "")
	get(t, s.network, s.address) // so that fresh, which was first in the queue, is accepted
	s.drain(t)
	s.checkEnd(t)
	for _, c := range []*client{idle, fresh} {
		if !c.isEnded(t) {
			t.Error("a connection is open after the end")
		}
	}
}

// blocking is a handler whose requests last until release is closed.
type blocking struct{ entered, release chan struct{} }

func newBlocking() blocking { return blocking{make(chan struct{}, 100), make(chan struct{})} }

func (b blocking) serve(w http.ResponseWriter, r *http.Request) {
	b.entered <- struct{}{}
	select {
	case <-b.release:
	case <-r.Context().Done():
	}
	echo(w, r)
}

func TestDrainLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	b := newBlocking()
	s := start(t, quick, b.serve)
	c := s.dial(t)
	answers := make(chan string, 1)
	go func() {
		_, answer, err := c.do("POST", "long")
		answers <- fmt.Sprint(answer, err)
	}()
	await(t, "the request", b.entered)
	s.drain(t)
	for range 20 { // while it drains it never accepts again
		if !s.leavesQueue(t) {
			t.Fatal("a draining worker took a connection")
		}
	}
	if isDone(s.process.stop.done) {
		t.Fatal("drained, with a request in flight")
	}
	close(b.release)
	if got := await(t, "the answer", answers); got != "0 long<nil>" {
		t.Errorf("the long request got %q", got)
	}
	s.checkEnd(t)
}

func TestDrainCutsOffWhatLastsTooLong(t *testing.T) {
	t.Parallel()
	b := newBlocking()
	defer close(b.release) // a handler that has not read the body is not told that its client is gone
	d := quick
	d.Timeout = 200 * time.Millisecond
	s := start(t, d, b.serve)
	c := s.dial(t)
	failed := make(chan error, 1)
	go func() {
		_, _, err := c.do("POST", "endless")
		failed <- err
	}()
	await(t, "the request", b.entered)
	s.drain(t)
	s.checkEnd(t)
	if err := await(t, "the client", failed); err == nil {
		t.Error("the endless request was answered")
	}
}

// If no worker follows, the drain waits for streams for a shorter time.
func TestTheLastDrainIsShort(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"a request", "a hijacked connection"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			b := newBlocking()
			defer close(b.release)
			handler := b.serve
			if way != "a request" {
				handler = b.hijack
			}
			fd, address := rawSocket(t, "tcp")
			p, h := brokered(t, map[string]string{portsVariable: fmt.Sprintf("%s=%d", address, dup(t, fd))})
			s := &service{process: p, network: "tcp", address: address, fd: fd}
			d := quick
			d.Timeout, d.last = -1, 100*time.Millisecond
			s.serve(t, d, &http.Server{Handler: http.HandlerFunc(handler)}, nil)
			h.expect(t, "hello 1")
			h.expect(t, "ready")
			go s.dial(t).do("POST", "endless")
			await(t, "the request", b.entered)
			h.say(t, "drain", -1)
			h.say(t, "last", -1)
			h.expect(t, "drained")
			h.conn.Close()
			s.checkEnd(t)
		})
	}
}

// hijack hijacks the connection, and closes it when release is closed.
func (b blocking) hijack(w http.ResponseWriter, r *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
	b.entered <- struct{}{}
	<-b.release
	conn.Close()
}

func TestDrainWaitsForHijackedConnections(t *testing.T) {
	t.Parallel()
	b := newBlocking()
	d := quick
	d.Timeout = -1
	s := start(t, d, b.hijack)
	c := s.dial(t)
	io.WriteString(c.conn, "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
	await(t, "the request", b.entered)
	s.drain(t)
	select {
	case err := <-s.ended:
		t.Fatalf("Serve returned %v with a hijacked connection open", err)
	case <-time.After(4 * drainPoll): // not a barrier: too short to fail falsely, long enough to fail
	}
	close(b.release)
	s.checkEnd(t)
}

func TestDrainLeavesHijackedConnectionsAtTheTimeout(t *testing.T) {
	t.Parallel()
	b := newBlocking()
	d := quick
	d.Timeout = 300 * time.Millisecond
	s := start(t, d, b.hijack)
	c := s.dial(t)
	fmt.Fprint(c.conn, "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: test\r\nConnection: Upgrade\r\n\r\n")
	await(t, "the request", b.entered)
	began := time.Now()
	s.drain(t)
	s.checkEnd(t)
	if took := time.Since(began); took < d.Timeout {
		t.Errorf("the drain took %v with a hijacked connection open, less than %v", took, d.Timeout)
	}
	close(b.release)
}

// The answer to an upgrade has its own Connection header.
func TestDrainLeavesUpgradesAlone(t *testing.T) {
	t.Parallel()
	c := newConns(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	c.leaving.Store(true)
	for upgrade, want := range map[string]string{"": "close", "websocket": ""} {
		w := &recorder{header: http.Header{}}
		c.ServeHTTP(w, &http.Request{Header: http.Header{"Upgrade": {upgrade}}})
		if got := w.header.Get("Connection"); got != want {
			t.Errorf("Upgrade: %q is answered with Connection: %q", upgrade, got)
		}
	}
}

type recorder struct {
	http.ResponseWriter
	header http.Header
}

func (r *recorder) Header() http.Header { return r.header }

// With two servers, one of them on two listeners, each Serve returns when all have drained.
func TestDrainOfSeveralServers(t *testing.T) {
	t.Parallel()
	b := newBlocking()
	busy, other := &http.Server{Handler: http.HandlerFunc(b.serve)}, &http.Server{Handler: http.HandlerFunc(echo)}
	services := []*service{inherited(t), inherited(t), inherited(t)}
	process := services[0].process
	for i, srv := range []*http.Server{busy, busy, other} {
		s := services[i]
		if i > 0 { // one process for all
			process.sockets.ports = append(process.sockets.ports, s.process.sockets.ports...)
			s.process = process
		}
		s.serve(t, quick, srv, nil)
	}
	answers := make(chan string, 2)
	for _, s := range services[:2] {
		go func() { answers <- get(t, s.network, s.address) }()
		await(t, "the request", b.entered)
	}
	idle := services[2]
	get(t, idle.network, idle.address)
	for _, s := range services {
		s.drain(t)
	}
	stop := process.stop
	waitFor(t, "the idle server to leave", func() bool {
		stop.mu.Lock()
		defer stop.mu.Unlock()
		return stop.serving == 2
	})
	select {
	case err := <-idle.ended:
		t.Fatalf("the idle server returned %v before the busy one", err)
	case <-time.After(4 * drainPoll): // not a barrier: too short to fail falsely, long enough to fail
	}
	close(b.release)
	for range 2 {
		if got := await(t, "an answer", answers); got != "0 " {
			t.Errorf("got %q", got)
		}
	}
	for _, s := range services {
		check(t, "serving", await(t, "the end of Serve", s.ended))
	}
}

func TestServeKeepsTheProgramsHook(t *testing.T) {
	t.Parallel()
	s := inherited(t)
	states := make(chan http.ConnState, 10)
	s.serve(t, quick, &http.Server{
		Handler:   http.HandlerFunc(echo),
		ConnState: func(_ net.Conn, is http.ConnState) { states <- is },
	}, nil)
	get(t, s.network, s.address)
	for _, want := range []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateClosed} {
		if got := await(t, "the hook", states); got != want {
			t.Errorf("the hook got %v, want %v", got, want)
		}
	}
	s.drain(t)
	s.checkEnd(t)
}

func TestServeReturnsWhatEndedIt(t *testing.T) {
	t.Parallel()
	p := newProcess(environment(nil), os.Getpid())
	l, err := p.listen("tcp", "127.0.0.1:0")
	check(t, "listening", err)
	srv := &http.Server{Handler: http.HandlerFunc(echo)}
	ended := make(chan error, 1)
	go func() { ended <- p.serve(quick.withDefaults(), srv, l) }()
	get(t, "tcp", l.Addr().String())
	srv.Close()
	if err := await(t, "the end of Serve", ended); err != http.ErrServerClosed {
		t.Errorf("closed by the program: %v", err)
	}
	l.Close()
	if err := p.serve(quick.withDefaults(), &http.Server{}, l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("on a closed listener: %v", err)
	}
}

// A program that is stopped before it serves never accepts.
func TestServeAfterTheDrainServesNothing(t *testing.T) {
	t.Parallel()
	s := inherited(t)
	s.process.stop.begin()
	s.serve(t, quick, &http.Server{Handler: http.HandlerFunc(echo)}, nil)
	s.checkEnd(t)
	if !s.leavesQueue(t) {
		t.Error("it took a connection")
	}
}

// Under hotstart the order is: ready, drain, drained. Then Serve returns when the signal comes or hotstart has died.
func TestServeSpeaksWithTheBroker(t *testing.T) {
	t.Parallel()
	fd, address := rawSocket(t, "tcp")
	p, h := brokered(t, map[string]string{portsVariable: fmt.Sprintf("%s=%d", address, dup(t, fd))})
	s := &service{process: p, network: "tcp", address: address, fd: fd}
	s.serve(t, quick, &http.Server{Handler: http.HandlerFunc(echo)}, nil)
	h.expect(t, "hello 1")
	h.expect(t, "ready")
	get(t, s.network, s.address)
	h.say(t, "drain", -1)
	h.expect(t, "drained")
	if len(s.ended) > 0 {
		t.Error("Serve returned before the signal")
	}
	h.conn.Close()
	s.checkEnd(t)
}
