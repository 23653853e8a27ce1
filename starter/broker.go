package starter

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The broker is this side of HOTSTART_FD: a private unix stream socket per
// worker. starter/worker documents its protocol, version 1. A worker may be
// anybody's program, so nothing that it sends is trusted: lines are bounded,
// descriptors are checked, and whatever is surplus is closed.

const (
	brokerVersion = "1"
	longestLine   = 512
	maxGiven      = 64 // sockets that workers may have us keep
	maxCarried    = 16 // descriptors that may come with one message
	answerTime    = 100 * time.Millisecond
)

// said is a line that a worker sent, with the descriptor that belongs to it.
type said struct {
	generation int
	words      []string // at least one, at most three: a path may have spaces
	fd         int      // -1: none
}

// hungUp is the end of a worker's broker: it broke the protocol (err), or
// closed its end.
type hungUp struct {
	generation int
	err        error
}

// newBroker returns our end, and the worker's as a plain descriptor.
func newBroker() (*net.UnixConn, int, error) {
	pair, err := newPair()
	if err != nil {
		return nil, -1, fmt.Errorf("making the broker's socket pair: %w", err)
	}
	f := os.NewFile(uintptr(pair[0]), "broker")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		unix.Close(pair[1])
		return nil, -1, fmt.Errorf("making the broker's socket pair: %w", err)
	}
	return c.(*net.UnixConn), pair[1], nil
}

// listenTo reads what a worker says until it hangs up. It owns reading from
// c; sending is the loop's.
func listenTo(generation int, c *net.UnixConn, tell func(any) bool) {
	r := &brokerReader{}
	defer r.close()
	buf, control := make([]byte, longestLine), make([]byte, unix.CmsgSpace(4*maxCarried))
	for {
		n, oobn, flags, _, err := c.ReadMsgUnix(buf, control)
		if n > 0 || oobn > 0 {
			r.fds = append(r.fds, descriptors(control[:oobn])...)
		}
		if err != nil || n == 0 {
			tell(hungUp{generation: generation})
			return
		}
		if flags&unix.MSG_CTRUNC != 0 {
			tell(hungUp{generation, fmt.Errorf("broker: too many descriptors in one message")})
			return
		}
		lines, err := r.take(buf[:n])
		for _, s := range lines {
			s.generation = generation
			if !tell(s) {
				closeFD(s.fd)
			}
		}
		if err != nil {
			tell(hungUp{generation, err})
			return
		}
	}
}

// brokerReader makes lines of a stream. Descriptors are handed to the lines
// that carry one, first in, first out.
type brokerReader struct {
	rest []byte
	fds  []int
}

func (r *brokerReader) take(b []byte) ([]said, error) {
	r.rest = append(r.rest, b...)
	var lines []said
	for {
		line, rest, whole := bytes.Cut(r.rest, []byte("\n"))
		if len(line) > longestLine {
			return lines, fmt.Errorf("broker: a line is longer than %d bytes", longestLine)
		}
		if !whole {
			break
		}
		r.rest = rest
		s := said{words: strings.SplitN(string(line), " ", 3), fd: -1}
		if s.words[0] == "keep" {
			if len(r.fds) == 0 {
				return lines, fmt.Errorf("broker: keep came without a descriptor")
			}
			s.fd, r.fds = r.fds[0], r.fds[1:]
		}
		lines = append(lines, s)
	}
	if len(r.fds) > maxCarried {
		return lines, fmt.Errorf("broker: descriptors that belong to no line")
	}
	return lines, nil
}

func (r *brokerReader) close() {
	for _, fd := range r.fds {
		unix.Close(fd)
	}
}

// descriptors takes the descriptors out of a control message. They are
// close-on-exec already: package net asks the kernel for that.
func descriptors(control []byte) []int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	var all []int
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			all = append(all, fds...)
		}
	}
	return all
}

// answer sends a line, with fd if there is one. A worker that does not read
// its answers is not waited for.
func answer(c *net.UnixConn, line string, fd int) error {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	c.SetWriteDeadline(time.Now().Add(answerTime))
	_, _, err := c.WriteMsgUnix([]byte(line+"\n"), rights, nil)
	return err
}
