package worker

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// h2c follows the connections that a handler, such as golang.org/x/net/http2/h2c, has hijacked from net/http for
// HTTP/2. net/http can't ask their clients to leave. So h2c follows the frames, and inserts GOAWAY between two of
// them.
type h2c struct {
	mu      sync.Mutex
	open    map[*framed]struct{} // guarded by mu
	leaving bool                 // guarded by mu
}

// watch wraps the ResponseWriter of a request that may switch its connection to HTTP/2: by prior knowledge, or by the
// Upgrade of RFC 7540. It returns w for other requests.
func (h *h2c) watch(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	known := r.Method == "PRI" && r.ProtoMajor == 2
	if !known && (len(r.Header["Http2-Settings"]) == 0 || !strings.EqualFold(r.Header.Get("Upgrade"), "h2c")) {
		return w
	}
	if all, ok := w.(response); ok {
		return &hijacker{all, h, known}
	}
	return w
}

// response has the methods that programs expect of a ResponseWriter of net/http.
type response interface {
	http.ResponseWriter
	http.Flusher
	http.Hijacker
	io.ReaderFrom
	io.StringWriter
	CloseNotify() <-chan bool
}

// hijacker follows the connection if the handler hijacks it.
type hijacker struct {
	response
	all   *h2c
	known bool // HTTP/2 by prior knowledge
}

// Unwrap is for [http.ResponseController].
func (t *hijacker) Unwrap() http.ResponseWriter { return t.response }

// Hijack implements [http.Hijacker]. The handler writes the answer 101 to an Upgrade to the bufio.ReadWriter, which is
// not followed.
func (t *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := t.response.Hijack()
	if err != nil {
		return conn, rw, err
	}
	read, _ := rw.Reader.Peek(rw.Reader.Buffered())
	c := &framed{Conn: conn, all: t.all, read: append([]byte(nil), read...), streams: make(map[uint32]struct{})}
	c.in.left = len("SM\r\n\r\n") // the rest of the preface of RFC 9113, section 3.4
	if !t.known {
		c.in.left = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		c.last, c.streams[1] = 1, struct{}{} // the request of the Upgrade
	}
	t.all.add(c)
	return c, bufio.NewReadWriter(bufio.NewReader(c), rw.Writer), nil
}

func (h *h2c) add(c *framed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open == nil {
		h.open = make(map[*framed]struct{})
	}
	h.open[c] = struct{}{}
	c.leaving.Store(h.leaving)
}

// leave asks all clients to open no more streams. It does not wait for clients that do not read.
func (h *h2c) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaving = true
	for c := range h.open {
		c.leaving.Store(true)
		go c.goAway() // ends when the client has read, or the connection ends
	}
}

// closeIdle closes the connections without a request in flight.
func (h *h2c) closeIdle() {
	h.mu.Lock()
	var open []*framed
	for c := range h.open {
		open = append(open, c)
	}
	h.mu.Unlock()
	for _, c := range open {
		c.closeIdle()
	}
}

// framed is the server's end of a connection of HTTP/2.
type framed struct {
	net.Conn
	all     *h2c
	read    []byte // received together with the request, not yet read by the handler
	in      frames // used by the one goroutine that reads
	leaving atomic.Bool

	writing    sync.Mutex
	out        frames // guarded by writing
	unknown    bool   // not HTTP/2; guarded by writing
	goAwaySent bool   // GOAWAY was sent; guarded by writing

	mu      sync.Mutex
	streams map[uint32]struct{} // open streams; guarded by mu
	last    uint32              // last stream that the client opened; guarded by mu
}

// The types and flags of frames are those of RFC 9113, section 6.
const (
	dataFrame     = 0
	headersFrame  = 1
	resetFrame    = 3
	settingsFrame = 4
	goAwayFrame   = 7
	endStream     = 1
)

// Read implements [net.Conn].
func (c *framed) Read(b []byte) (n int, err error) {
	if len(c.read) > 0 {
		n = copy(b, c.read)
		c.read = c.read[n:]
	} else {
		n, err = c.Conn.Read(b)
	}
	c.in.see(b[:n], func(kind, _ byte, stream uint32) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case kind == headersFrame && stream > c.last:
			c.last, c.streams[stream] = stream, struct{}{}
		case kind == resetFrame:
			delete(c.streams, stream)
		}
	})
	return n, err
}

// Write implements [net.Conn].
func (c *framed) Write(b []byte) (int, error) {
	c.writing.Lock()
	first := !c.out.begun
	n, err := c.Conn.Write(b)
	c.out.see(b[:n], func(kind, flags byte, stream uint32) {
		if first {
			first, c.unknown = false, kind != settingsFrame
		}
		if (kind == dataFrame || kind == headersFrame) && flags&endStream != 0 || kind == resetFrame {
			c.mu.Lock()
			delete(c.streams, stream)
			c.mu.Unlock()
		}
	})
	c.writing.Unlock()
	c.goAway()
	return n, err
}

// Close implements [net.Conn].
func (c *framed) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// NetConn returns the connection under c.
func (c *framed) NetConn() net.Conn { return c.Conn }

// goAway sends GOAWAY once leave was called, if it is not in the middle of a frame. The client may still open streams
// until it has read GOAWAY. goAway does not wait for a Write that is under way: Write calls goAway at its end.
func (c *framed) goAway() {
	if !c.leaving.Load() || !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	if !c.goAwaySent && !c.unknown && c.out.between() {
		c.goAwaySent = true
		c.Conn.Write(newGoAway(1<<31 - 1))
	}
}

// closeIdle closes the connection if no request is in flight. A request that the client sends at the same moment is not
// processed: another GOAWAY names the last request that was.
func (c *framed) closeIdle() {
	if !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	c.mu.Lock()
	last, open := c.last, len(c.streams)
	c.mu.Unlock()
	if c.goAwaySent && open == 0 && c.out.between() {
		c.Conn.SetWriteDeadline(time.Now().Add(time.Millisecond)) // the client may not read
		c.Conn.Write(newGoAway(last))
		c.Close()
	}
}

// newGoAway makes GOAWAY for a last stream.
func newGoAway(last uint32) []byte {
	frame := []byte{2: 8, 3: goAwayFrame, 16: 0}
	binary.BigEndian.PutUint32(frame[9:], last)
	return frame
}

// frames follows one direction of a connection of HTTP/2.
type frames struct {
	begun bool
	head  [9]byte // head of the current frame
	have  int     // bytes in head
	left  int     // bytes to skip: the rest of a frame, or of a preface
}

// see calls each for every frame whose head ends in b.
func (f *frames) see(b []byte, each func(kind, flags byte, stream uint32)) {
	for len(b) > 0 {
		if f.left >= len(b) {
			f.left -= len(b)
			return
		}
		b = b[f.left:]
		n := copy(f.head[f.have:], b)
		b, f.left, f.have = b[n:], 0, f.have+n
		if f.have == len(f.head) {
			f.begun, f.have = true, 0
			f.left = int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
			each(f.head[3], f.head[4], binary.BigEndian.Uint32(f.head[5:])&(1<<31-1))
		}
	}
}

// between reports whether a frame has ended and the next one has not begun.
func (f *frames) between() bool { return f.begun && f.have == 0 && f.left == 0 }
