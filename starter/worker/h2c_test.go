package worker

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// taken serves HTTP/2 on connections that it hijacks from net/http, like golang.org/x/net/http2/h2c: by its own server
// for each connection.
func taken(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "PRI" {
			handler(w, r)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		srv := &http.Server{Handler: handler, Protocols: unencrypted()}
		l := &oneListener{conn: &prefixed{conn, io.MultiReader(strings.NewReader("PRI * HTTP/2.0\r\n\r\n"), rw)}, ended: make(chan struct{})}
		srv.Serve(l)
	}
}

func unencrypted() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// oneListener accepts one connection, and ends with it.
type oneListener struct {
	conn  net.Conn
	once  sync.Once
	ended chan struct{}
}

func (l *oneListener) Accept() (conn net.Conn, err error) {
	l.once.Do(func() { conn = &closing{l.conn, sync.OnceFunc(func() { close(l.ended) })} })
	if conn == nil {
		<-l.ended
		return nil, io.EOF
	}
	return conn, nil
}

func (l *oneListener) Close() error   { return nil }
func (l *oneListener) Addr() net.Addr { return l.conn.LocalAddr() }

type closing struct {
	net.Conn
	closed func()
}

func (c *closing) Close() error {
	c.closed()
	return c.Conn.Close()
}

// prefixed is a connection that reads from another reader.
type prefixed struct {
	net.Conn
	from io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) { return p.from.Read(b) }

// goesAway returns the last stream of the next GOAWAY, and counts the answers before it.
func (c *client) goesAway(t *testing.T, answers map[uint32]int) uint32 {
	t.Helper()
	for {
		var head [9]byte
		_, err := io.ReadFull(c.in, head[:])
		check(t, "awaiting GOAWAY", err)
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		_, err = io.ReadFull(c.in, payload)
		check(t, "awaiting GOAWAY", err)
		switch head[3] {
		case frameHeaders:
			answers[binary.BigEndian.Uint32(head[5:])]++
		case frameGoAway:
			return binary.BigEndian.Uint32(payload)
		}
	}
}

// A client of h2c gets GOAWAY, and answers to all requests that it sent before it received GOAWAY. It may connect before
// the drain, or send its first bytes during the drain.
func TestDrainOfH2C(t *testing.T) {
	t.Parallel()
	hello := preface + string(frame(frameSettings, 0, 0, ""))
	ask := func(stream uint32) string { return string(frame(frameHeaders, 5, stream, getHeaders)) }
	b := newBlocking()
	s := start(t, quick, taken(b.serve))
	before, late := s.dial(t), s.dial(t)
	io.WriteString(before.conn, hello+ask(1))
	await(t, "the request", b.entered)
	accepted := s.dial(t)
	io.WriteString(accepted.conn, hello+ask(1))
	await(t, "the request", b.entered) // so that late, which was before it in the queue, is accepted
	accepted.conn.Close()
	s.drain(t)
	io.WriteString(late.conn, hello+ask(1))
	answers := map[*client]map[uint32]int{before: {}, late: {}}
	for c, answers := range answers {
		if last := c.goesAway(t, answers); last != 1<<31-1 || len(answers) > 0 {
			t.Errorf("the first GOAWAY leaves the client streams up to %d, after the answers %v", last, answers)
		}
		io.WriteString(c.conn, ask(3))
	}
	for range 3 {
		await(t, "the request", b.entered)
	}
	close(b.release)
	for c, answers := range answers {
		if last := c.goesAway(t, answers); last != 3 || answers[1] != 1 || answers[3] != 1 {
			t.Errorf("the last GOAWAY is for stream %d, after the answers %v", last, answers)
		}
		if !c.isEnded(t) {
			t.Error("the connection stays open")
		}
	}
	s.checkEnd(t)
}

// A handler that hijacks the connection of a request with an offer of h2c may use another protocol on it.
func TestDrainLeavesOtherProtocolsAlone(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := start(t, quick, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		<-release
		fmt.Fprint(conn, "end")
		conn.Close()
	})
	c := s.dial(t)
	fmt.Fprint(c.conn, "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
	resp, _, err := c.receive()
	check(t, "asking", err)
	s.drain(t)
	time.Sleep(2 * quick.idle) // for an end that must not come
	close(release)
	if rest, err := io.ReadAll(c.in); err != nil || string(rest) != "end" {
		t.Errorf("after %s came %q, %v", resp.Status, rest, err)
	}
	s.checkEnd(t)
}

// Frames are found for any size of the pieces.
func TestFrames(t *testing.T) {
	t.Parallel()
	stream := []byte("SM\r\n\r\n\x00\x00\x00\x04\x01\x00\x00\x00\x00" + "\x00\x00\x02\x01\x05\x80\x00\x01\x03ab" + "\x00\x01\x00\x00\x01\x00\x00\x00\x05" + strings.Repeat("x", 256))
	want := "[4 1 0] [1 5 259] [0 1 5] "
	for size := 1; size <= len(stream); size++ {
		var got strings.Builder
		f := frames{left: len("SM\r\n\r\n")}
		for piece := range slices.Chunk(stream, size) {
			f.see(piece, func(kind, flags byte, stream uint32) {
				fmt.Fprint(&got, []uint32{uint32(kind), uint32(flags), stream}, " ")
			})
		}
		if got.String() != want || !f.between() {
			t.Fatalf("in pieces of %d: %s, between %v", size, got.String(), f.between())
		}
		if f.see(stream[6:7], nil); f.between() {
			t.Fatal("a frame has begun")
		}
	}
}

// A client that does not read does not prevent that the worker closes other connections.
func TestClosingH2CWaitsForNobody(t *testing.T) {
	t.Parallel()
	server, client := net.Pipe()
	defer client.Close()
	c := &framed{Conn: server, all: new(h2c), goAwaySent: true, out: frames{begun: true}}
	closed := make(chan struct{})
	go func() {
		c.closeIdle()
		close(closed)
	}()
	await(t, "the end of closeIdle", closed)
	if _, err := server.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Errorf("the connection is open: %v", err)
	}
}
