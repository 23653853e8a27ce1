package worker

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const brokerVariable = "HOTSTART_FD"

// patience is how long a broker may take to read or to answer. hotstart answers at once; one that doesn't is
// stopped or broken, and counts as gone.
const patience = 10 * time.Second

// broker is the connection to hotstart; package documentation has the protocol. A nil *broker is a program
// without one: it keeps nothing.
type broker struct {
	conn *net.UnixConn

	writing sync.Mutex // one line at a time on the wire
	asking  sync.Mutex // one question at a time
	waiting atomic.Bool
	answers chan answer // buffered: a sender has seen waiting, and asking lets one wait

	asked chan struct{} // closed when hotstart has said drain
	told  chan struct{} // closed when it has been told drained, or could not be
	gone  chan struct{} // closed when hotstart has died
}

// answer is a socket, which its receiver owns, or none.
type answer struct {
	fd int
	ok bool
}

// openBroker says hello on conn, which it owns, and follows what hotstart says until its end. At drain it begins s.
func openBroker(conn *net.UnixConn, s *stop) *broker {
	b := &broker{
		conn:    conn,
		answers: make(chan answer, 1),
		asked:   make(chan struct{}),
		told:    make(chan struct{}),
		gone:    make(chan struct{}),
	}
	b.say("hello 1", nil)
	go b.follow(s) // ends with the connection
	return b
}

// follow reads what hotstart says.
func (b *broker) follow(s *stop) {
	defer close(b.gone)
	defer b.conn.Close()
	in := &wire{conn: b.conn}
	drain := sync.OnceFunc(func() {
		close(b.asked)
		go b.drain(s) // ends when all Serve calls have drained
	})
	for {
		line, err := in.next()
		if err != nil {
			return
		}
		switch line {
		case "socket":
			fd, ok := in.take()
			b.deliver(answer{fd, ok})
		case "none", "overlap":
			b.deliver(answer{})
		case "last":
			s.isLast()
		case "drain":
			drain()
		}
	}
}

// drain does what hotstart asked, and tells it.
func (b *broker) drain(s *stop) {
	defer close(b.told)
	s.begin()
	<-s.done
	b.say("drained", nil)
}

// deliver hands a to who asks; nobody may.
func (b *broker) deliver(a answer) {
	if b.waiting.CompareAndSwap(true, false) {
		b.answers <- a
		return
	}
	a.drop()
}

func (a answer) drop() {
	if a.ok {
		closeDescriptor(a.fd)
	}
}

// wantAny asks for the names in turn, and returns the first socket that there is; the caller owns it.
func (b *broker) wantAny(names []name) (fd int, ok bool) {
	if b == nil {
		return 0, false
	}
	b.asking.Lock()
	defer b.asking.Unlock()
	for _, n := range names {
		if a := b.want(n); a.ok {
			return a.fd, true
		}
	}
	return 0, false
}

// want asks for one name, with asking held.
func (b *broker) want(n name) answer {
	b.waiting.Store(true)
	if b.say("want "+string(n), nil) != nil {
		b.conn.Close()
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case a := <-b.answers:
		return a
	case <-b.gone:
	case <-late.C:
		b.conn.Close() // or the late answer would be taken for that to the next question
		<-b.gone
	}
	select {
	case a := <-b.answers:
		return a
	default:
		return answer{}
	}
}

// keep gives hotstart a copy of l, and says whether it was sent.
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
		sent = b.say("keep "+string(n), rights(int(fd)))
	})
	return err == nil && sent == nil
}

// say sends a line with oob, the control message of its descriptor, or nil.
func (b *broker) say(line string, oob []byte) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	b.conn.SetWriteDeadline(time.Now().Add(patience))
	data := []byte(line + "\n")
	n, _, err := b.conn.WriteMsgUnix(data, oob, nil)
	if err == nil && n < len(data) {
		_, err = b.conn.Write(data[n:])
	}
	return err
}
