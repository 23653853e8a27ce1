package worker

// Package hook has a copy of this file: it is in the language of Go 1.17.

import (
	"bytes"
	"errors"
	"io"
	"net"
)

const (
	maxLine  = 512 // bytes, LF included
	maxQueue = 16  // descriptors received and not taken yet; who keeps to the protocol has few on the way
)

// wire reads lines and the descriptors that come with them. One goroutine uses it.
type wire struct {
	conn  *net.UnixConn
	bytes []byte // received, not yet returned
	fds   []int  // received, not yet taken; owned
}

// next returns the next line without its LF. Descriptors that the lines before brought and nobody took are
// closed. At an error, also [io.EOF], all are.
func (w *wire) next() (string, error) {
	for {
		if i := bytes.IndexByte(w.bytes, '\n'); i >= 0 && i < maxLine {
			line := string(w.bytes[:i])
			w.bytes = w.bytes[i+1:]
			return line, nil
		}
		if len(w.bytes) >= maxLine {
			w.drop()
			return "", errors.New("reading from the broker: a line of more than 512 bytes")
		}
		if len(w.bytes) == 0 {
			w.drop() // with nothing half received they belong to lines that are done
		}
		if err := w.read(); err != nil {
			w.drop()
			return "", err
		}
	}
}

// read receives once. The descriptors are close-on-exec from the start; those that don't fit are closed, by the
// kernel or here.
func (w *wire) read() error {
	var buf [maxLine]byte
	var oob [64]byte // room for a dozen descriptors
	n, oobn, _, _, err := w.conn.ReadMsgUnix(buf[:], oob[:])
	if err != nil {
		return err // n may be -1 then
	}
	for _, fd := range descriptors(oob[:oobn]) {
		if len(w.fds) == maxQueue {
			closeDescriptor(fd)
			continue
		}
		w.fds = append(w.fds, fd)
	}
	if n == 0 {
		return io.EOF
	}
	w.bytes = append(w.bytes, buf[:n]...)
	return nil
}

// take returns the descriptor received first, and the caller owns it.
func (w *wire) take() (fd int, ok bool) {
	if len(w.fds) == 0 {
		return 0, false
	}
	fd, w.fds = w.fds[0], w.fds[1:]
	return fd, true
}

func (w *wire) drop() {
	for _, fd := range w.fds {
		closeDescriptor(fd)
	}
	w.fds = nil
}
