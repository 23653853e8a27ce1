//go:build unix

// Package wire is the framing of the broker's protocol, which package worker documents: lines of text over a unix
// stream socket, some of them with a descriptor (SCM_RIGHTS). [Reader] and [Send] are for both ends, [Client] is the
// end of a worker.
//
// Package hook of builder/adopt has a copy of this file: the file is in the language of Go 1.17.
package wire

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Version is the version of the protocol that a worker names in its hello.
const Version = "1"

const (
	maxLine  = 512 // bytes, LF included
	maxQueue = 16  // received descriptors that no line has taken yet; one is usual
)

// ProtocolError is a breach of the framing by the other end.
type ProtocolError string

func (e ProtocolError) Error() string { return "broker: " + string(e) }

// Reader reads lines and the descriptors that come with them. It is for one goroutine.
type Reader struct {
	conn *net.UnixConn
	rest []byte // received, not yet returned
	fds  []int  // received, not yet taken; owned
}

// NewReader returns a Reader of conn, which stays the caller's.
func NewReader(conn *net.UnixConn) *Reader { return &Reader{conn: conn} }

// Next returns the next line without its LF. It closes the descriptors that came with earlier lines and were not
// taken. After an error, which is a [ProtocolError], [io.EOF] or that of the connection, the Reader has no
// descriptor left.
func (r *Reader) Next() (string, error) {
	for {
		if i := bytes.IndexByte(r.rest, '\n'); i >= 0 && i < maxLine {
			line := string(r.rest[:i])
			r.rest = r.rest[i+1:]
			return line, nil
		}
		if len(r.rest) >= maxLine {
			r.Close()
			return "", ProtocolError("a line is longer than 512 bytes")
		}
		if len(r.rest) == 0 {
			r.Close() // no line is received in part: the descriptors belong to lines that were returned
		}
		if err := r.read(); err != nil {
			r.Close()
			return "", err
		}
	}
}

// read receives once. Package net asks the kernel for descriptors that are close-on-exec.
func (r *Reader) read() error {
	var buf [maxLine]byte
	var control [80]byte // room for maxQueue descriptors
	n, controlLen, flags, _, err := r.conn.ReadMsgUnix(buf[:], control[:])
	if err != nil {
		return err // n may be -1
	}
	r.fds = append(r.fds, received(control[:controlLen])...)
	switch {
	case flags&syscall.MSG_CTRUNC != 0:
		return ProtocolError("too many descriptors in one message")
	case len(r.fds) > maxQueue:
		return ProtocolError("descriptors that belong to no line")
	case n == 0:
		return io.EOF
	}
	r.rest = append(r.rest, buf[:n]...)
	return nil
}

// received returns the descriptors in a control message; the caller owns them.
func received(control []byte) (fds []int) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for i := range messages {
		if some, err := syscall.ParseUnixRights(&messages[i]); err == nil {
			fds = append(fds, some...)
		}
	}
	return fds
}

// Take returns the descriptor that was received first, which the caller then owns; ok is false if there is none.
func (r *Reader) Take() (fd int, ok bool) {
	if len(r.fds) == 0 {
		return 0, false
	}
	fd, r.fds = r.fds[0], r.fds[1:]
	return fd, true
}

// Close closes the descriptors that were not taken. It leaves the connection open.
func (r *Reader) Close() {
	for _, fd := range r.fds {
		syscall.Close(fd)
	}
	r.fds = nil
}

// Send sends a line and a copy of fd, or no descriptor if fd is negative. It gives up after the timeout: the other
// end then does not read, and may have received a part of the line.
func Send(conn *net.UnixConn, line string, fd int, timeout time.Duration) error {
	var control []byte
	if fd >= 0 {
		control = syscall.UnixRights(fd)
	}
	conn.SetWriteDeadline(time.Now().Add(timeout))
	data := []byte(line + "\n")
	n, _, err := conn.WriteMsgUnix(data, control, nil)
	if err == nil && n < len(data) {
		_, err = conn.Write(data[n:])
	}
	return err
}

// Answers of [Client.Ask] that are not descriptors.
const (
	None    = -1
	Overlap = -2 // hotstart keeps a socket of an address that overlaps
)

// clientTimeout limits how long hotstart may take to read or to answer. It answers at once; if it does not, it is
// stopped or broken.
const clientTimeout = 10 * time.Second

// Client is a worker's end of the connection. A nil *Client has no hotstart: sending fails, and the answer is None.
type Client struct {
	Disconnected chan struct{} // closed when the connection has ended

	conn    *net.UnixConn
	writing sync.Mutex  // one line at a time
	asking  sync.Mutex  // one question at a time
	waiting atomic.Bool // a question has no answer yet
	answers chan int    // buffered: Follow sends one answer for each question that waits
}

// NewClient returns a Client of conn, which it owns. The caller sends hello, and starts Follow.
func NewClient(conn *net.UnixConn) *Client {
	return &Client{Disconnected: make(chan struct{}), conn: conn, answers: make(chan int, 1)}
}

// Follow reads until the connection ends, and closes it. It calls handle with each line that does not answer a question.
func (c *Client) Follow(handle func(line string)) {
	defer close(c.Disconnected)
	defer c.conn.Close()
	in := NewReader(c.conn)
	for {
		line, err := in.Next()
		if err != nil {
			return
		}
		switch line {
		case "socket":
			fd, ok := in.Take()
			if !ok {
				fd = None
			}
			c.deliver(fd)
		case "none":
			c.deliver(None)
		case "overlap":
			c.deliver(Overlap)
		default:
			handle(line)
		}
	}
}

// deliver hands an answer to the question that waits, if there is one.
func (c *Client) deliver(answer int) {
	if c.waiting.Swap(false) {
		c.answers <- answer
	} else if answer >= 0 {
		syscall.Close(answer)
	}
}

// Say sends a line and a copy of fd, or no descriptor if fd is negative.
func (c *Client) Say(line string, fd int) error {
	if c == nil {
		return syscall.ENOTCONN
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	return Send(c.conn, line, fd, clientTimeout)
}

// Ask sends a question and returns its answer: a descriptor, which the caller owns, None or Overlap.
func (c *Client) Ask(question string) int {
	if c == nil {
		return None
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	c.waiting.Store(true)
	if c.Say(question, -1) != nil {
		c.conn.Close() // no answer will follow, but one that nobody asked for may have come
	}
	late := time.NewTimer(clientTimeout)
	defer late.Stop()
	select {
	case answer := <-c.answers:
		return answer
	case <-c.Disconnected:
	case <-late.C:
		c.conn.Close() // a late answer would be taken for the answer to the next question
		<-c.Disconnected
	}
	select {
	case answer := <-c.answers: // the last line before the end
		return answer
	default:
		return None
	}
}
