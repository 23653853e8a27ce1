package hook

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// hotstartH2C is all connections that golang.org/x/net/http2/h2c, or what is like it, has
// taken from net/http to speak HTTP/2 on them. Nothing tells their clients to go: so
// the frames are followed, and a GOAWAY of our own is put between them.
type hotstartH2C struct {
	worker *hotstartWorker
	mu     sync.Mutex
	conns  map[*hotstartFramed]bool
}

var _ = hotstartHere.hookH2C()

func (w *hotstartWorker) hookH2C() bool {
	if w == nil {
		return false
	}
	h := &hotstartH2C{worker: w, conns: map[*hotstartFramed]bool{}}
	w.servers = append(w.servers, h)
	hotstartHijacked = h.watch
	return true
}

// watch returns the ResponseWriter for a request that may make its connection one of
// HTTP/2: by prior knowledge, or by the Upgrade of RFC 7540.
func (h *hotstartH2C) watch(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	known := r.Method == "PRI" && r.ProtoMajor == 2
	if !known && (len(r.Header["Http2-Settings"]) == 0 || !strings.EqualFold(r.Header.Get("Upgrade"), "h2c")) {
		return w
	}
	if all, ok := w.(hotstartResponse); ok {
		return &hotstartTaker{all, h, known}
	}
	return w
}

// hotstartResponse is what programs look for in a ResponseWriter of net/http.
type hotstartResponse interface {
	http.ResponseWriter
	http.Flusher
	http.Hijacker
	io.ReaderFrom
	io.StringWriter
	CloseNotify() <-chan bool
}

// hotstartTaker follows the connection if the handler takes it.
type hotstartTaker struct {
	hotstartResponse
	all   *hotstartH2C
	known bool // by prior knowledge
}

// Unwrap is for http.ResponseController.
func (t *hotstartTaker) Unwrap() http.ResponseWriter { return t.hotstartResponse }

// Hijack implements http.Hijacker. The answer 101 to an Upgrade is written to what it
// returns, not to the connection.
func (t *hotstartTaker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := t.hotstartResponse.Hijack()
	if err != nil {
		return conn, rw, err
	}
	read, _ := rw.Reader.Peek(rw.Reader.Buffered())
	c := &hotstartFramed{Conn: conn, all: t.all, read: append([]byte(nil), read...), streams: map[uint32]bool{}}
	c.in.left = len("SM\r\n\r\n") // what is left of the preface of RFC 9113, section 3.4
	if !t.known {
		c.in.left = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		c.last, c.streams[1] = 1, true // the request itself
	}
	t.all.mu.Lock()
	t.all.conns[c] = true
	t.all.mu.Unlock()
	if t.all.worker.draining.Load() {
		c.leave()
	}
	return c, bufio.NewReadWriter(bufio.NewReader(c), rw.Writer), nil
}

func (h *hotstartH2C) each(do func(*hotstartFramed)) {
	h.mu.Lock()
	var conns []*hotstartFramed
	for c := range h.conns {
		conns = append(conns, c)
	}
	h.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}

// drain waits for no client that does not read.
func (h *hotstartH2C) drain() { h.each(func(c *hotstartFramed) { go c.leave() }) }

func (h *hotstartH2C) closeIdle() { h.each((*hotstartFramed).closeIdle) }

// hotstartFramed is a connection of HTTP/2 on the side of the server.
type hotstartFramed struct {
	net.Conn
	all     *hotstartH2C
	read    []byte         // came with the request, and is the program's to read
	in      hotstartFrames // of the one goroutine that reads
	leaving atomic.Bool

	writing sync.Mutex // held while something is written; guards out, strange and told
	out     hotstartFrames
	strange bool // this is not HTTP/2
	told    bool // GOAWAY was sent

	mu      sync.Mutex
	streams map[uint32]bool // open ones; guarded by mu
	last    uint32          // the last that the client opened; guarded by mu
}

// The types and flags of frames are those of RFC 9113, section 6.
const (
	hotstartFrameData     = 0
	hotstartFrameHeaders  = 1
	hotstartFrameReset    = 3
	hotstartFrameSettings = 4
	hotstartFrameGoAway   = 7
	hotstartEndStream     = 1
)

// Read implements net.Conn.
func (c *hotstartFramed) Read(b []byte) (n int, err error) {
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
		case kind == hotstartFrameHeaders && stream > c.last:
			c.last, c.streams[stream] = stream, true
		case kind == hotstartFrameReset:
			delete(c.streams, stream)
		}
	})
	return n, err
}

// Write implements net.Conn.
func (c *hotstartFramed) Write(b []byte) (int, error) {
	c.writing.Lock()
	first := !c.out.begun
	n, err := c.Conn.Write(b)
	c.out.see(b[:n], func(kind, flags byte, stream uint32) {
		if first {
			first, c.strange = false, kind != hotstartFrameSettings
		}
		ends := (kind == hotstartFrameData || kind == hotstartFrameHeaders) && flags&hotstartEndStream != 0
		if ends || kind == hotstartFrameReset {
			c.mu.Lock()
			delete(c.streams, stream)
			c.mu.Unlock()
			if c.leaving.Load() {
				c.all.worker.touch()
			}
		}
	})
	c.writing.Unlock()
	c.goAway()
	return n, err
}

// Close implements net.Conn.
func (c *hotstartFramed) Close() error {
	c.all.mu.Lock()
	delete(c.all.conns, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// leave tells the client to open no more streams, and answers those that it opens
// before it has heard of that.
func (c *hotstartFramed) leave() {
	c.leaving.Store(true)
	c.goAway()
}

// goAway sends GOAWAY if it is time to, between two frames. While something is being
// written, it does not wait: who writes calls it afterwards.
func (c *hotstartFramed) goAway() {
	if !c.leaving.Load() || !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	if !c.told && c.out.between() && !c.strange {
		c.told = true
		c.Conn.Write(hotstartGoAwayFrame(1<<31 - 1))
	}
}

// closeIdle closes the connection if no request is under way. One that the client
// sends in this moment is not heard: so says the GOAWAY.
func (c *hotstartFramed) closeIdle() {
	if !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	c.mu.Lock()
	last, open := c.last, len(c.streams)
	c.mu.Unlock()
	if c.told && open == 0 && c.out.between() {
		c.Conn.Write(hotstartGoAwayFrame(last))
		c.Close()
	}
}

func hotstartGoAwayFrame(last uint32) []byte {
	frame := []byte{0, 0, 8, hotstartFrameGoAway, 16: 0}
	binary.BigEndian.PutUint32(frame[9:], last)
	return frame
}

// hotstartFrames follows one direction of a connection of HTTP/2.
type hotstartFrames struct {
	begun bool
	head  [9]byte // of the frame that has come in part
	have  int     // bytes of it
	left  int     // bytes to pass over: the rest of a frame, or of a preface
}

// see calls each with every frame whose head ends in b.
func (f *hotstartFrames) see(b []byte, each func(kind, flags byte, stream uint32)) {
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

// between reports whether a frame has ended and none has begun since.
func (f *hotstartFrames) between() bool { return f.begun && f.have == 0 && f.left == 0 }
