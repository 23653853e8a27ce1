package worker

import (
	"net"
	"sync"
	"syscall"

	"github.com/hotstart/hotstart/starter/internal/wire"
)

const brokerVariable = "HOTSTART_FD"

// broker is the connection to hotstart; the package documentation has the protocol. A nil *broker is a program
// without a broker: it keeps no socket.
type broker struct {
	*wire.Client

	drainRequested chan struct{} // closed when hotstart has sent drain
	drainedSent    chan struct{} // closed when drained was sent, or could not be sent
}

// openBroker sends hello on conn, which it owns, and handles what hotstart sends. At drain it begins s.
func openBroker(conn *net.UnixConn, s *stop) *broker {
	b := &broker{
		Client:         wire.NewClient(conn),
		drainRequested: make(chan struct{}),
		drainedSent:    make(chan struct{}),
	}
	b.Say("hello "+wire.Version, -1)
	last := sync.OnceFunc(func() { close(s.last) })
	drain := sync.OnceFunc(func() {
		close(b.drainRequested)
		go b.drain(s) // ends when all Serve calls have drained
	})
	go b.Follow(func(line string) { // ends with the connection
		switch line {
		case "last":
			last()
		case "drain":
			drain()
		}
	})
	return b
}

// drain waits until all Serve calls have drained, and reports that to hotstart.
func (b *broker) drain(s *stop) {
	defer close(b.drainedSent)
	s.begin()
	<-s.done
	b.Say("drained", -1)
}

// wantAny asks for the names in turn, and returns the first socket that hotstart keeps; the caller owns it.
func (b *broker) wantAny(names []name) (fd int, ok bool) {
	if b == nil {
		return 0, false
	}
	for _, n := range names {
		if fd := b.Ask("want " + string(n)); fd >= 0 {
			return fd, true
		}
	}
	return 0, false
}

// keep gives hotstart a copy of l, and reports whether the copy was sent.
func (b *broker) keep(n name, l net.Listener) bool {
	sc, ok := l.(syscall.Conn)
	if b == nil || !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	var sent error
	err = raw.Control(func(fd uintptr) { // not File().Fd(), which would clear O_NONBLOCK
		sent = b.Say("keep "+string(n), int(fd))
	})
	return err == nil && sent == nil
}
