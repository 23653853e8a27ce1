//go:build unix

package wire

import (
	"errors"
	"net"
	"strings"
	"syscall"
)

// A Message is a line from a worker, with the descriptor that belongs to it.
type Message struct {
	Words []string // one to three: a path may contain spaces
	FD    int      // -1: none
}

// Close closes the descriptor, if there is one.
func (m Message) Close() {
	if m.FD >= 0 {
		syscall.Close(m.FD)
	}
}

// Serve passes each message of a worker to handle until the connection ends. It
// closes the descriptor of a message if handle reports false. The error is nil
// unless the worker has broken the protocol. Only Serve reads from c.
func Serve(c *net.UnixConn, handle func(Message) bool) error {
	in := NewReader(c)
	defer in.Close()
	for {
		line, err := in.Next()
		m := Message{Words: strings.SplitN(line, " ", 3), FD: -1}
		if err == nil && m.Words[0] == "keep" {
			fd, ok := in.Take()
			if !ok {
				return ProtocolError("keep came without a descriptor")
			}
			m.FD = fd
		}
		switch {
		case errors.As(err, new(ProtocolError)):
			return err
		case err != nil:
			return nil
		}
		if !handle(m) {
			m.Close()
		}
	}
}
