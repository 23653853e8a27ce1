package starter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

// The broker is this side of HOTSTART_FD: a private unix stream socket per
// worker. starter/worker documents its protocol. A worker may be
// anybody's program, so nothing that it sends is trusted: lines are bounded,
// descriptors are checked, and surplus descriptors are closed.

const (
	sendTimeout = 100 * time.Millisecond
)

// said is a line that a worker sent, with the descriptor that belongs to it.
type message struct {
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
	pair, err := proc.SocketPair()
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

// listenTo reads what a worker sends until the connection ends. It owns reading from
// c; sending is the loop's.
func listenTo(generation int, c *net.UnixConn, tell func(any) bool) {
	in := wire.NewReader(c)
	defer in.Close()
	for {
		m, err := receive(in)
		var broken wire.ProtocolError
		switch {
		case errors.As(err, &broken):
			tell(hungUp{generation, err})
			return
		case err != nil:
			tell(hungUp{generation: generation})
			return
		}
		m.generation = generation
		if !tell(m) {
			closeFD(m.fd)
		}
	}
}

// receive reads one line, and takes the descriptor if the line carries one.
func receive(in *wire.Reader) (message, error) {
	line, err := in.Next()
	if err != nil {
		return message{}, err
	}
	m := message{words: strings.SplitN(line, " ", 3), fd: -1}
	if m.words[0] == "keep" {
		fd, ok := in.Take()
		if !ok {
			return message{}, wire.ProtocolError("keep came without a descriptor")
		}
		m.fd = fd
	}
	return m, nil
}
