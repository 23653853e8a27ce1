package hook

import (
	"net"
	"os"
	"syscall"
	"time"
)

const (
	hotstartOverlap = -2               // in the place of a descriptor: hotstart keeps one of an address that overlaps
	hotstartAnswer  = 10 * time.Second // a broker that takes longer is stopped or broken
)

// hotstartIsPair reports whether fd is a unix stream socket.
func hotstartIsPair(fd int) bool {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil || kind != syscall.SOCK_STREAM {
		return false
	}
	name, err := syscall.Getsockname(fd)
	_, ok := name.(*syscall.SockaddrUnix)
	return err == nil && ok
}

// connect says hello. It is not done at once: hotstart looks by itself
// whether a program serves, until that speaks; one that never listens would
// never say ready.
func (w *hotstartWorker) connect() {
	w.hello.Do(func() {
		f := os.NewFile(uintptr(w.brokerFD), "hotstart")
		c, err := net.FileConn(f)
		f.Close()
		if err != nil {
			close(w.gone)
			return
		}
		w.conn = c.(*net.UnixConn)
		w.say("hello 1", -1)
		go w.follow() // ends with hotstart
	})
}

// follow reads what hotstart says. After its death the program goes on as if
// alone, unless it was told to drain: then a worker after it serves.
func (w *hotstartWorker) follow() {
	defer close(w.gone)
	defer w.conn.Close()
	in := &hotstartWire{conn: w.conn}
	for {
		line, err := in.next()
		if err != nil {
			return
		}
		w.heard(line, in)
	}
}

// heard handles a line; in has the descriptor that may have come with it.
func (w *hotstartWorker) heard(line string, in *hotstartWire) {
	switch line {
	case "socket":
		fd, ok := in.take()
		if !ok {
			fd = -1
		}
		w.deliver(fd)
	case "none":
		w.deliver(-1)
	case "overlap":
		w.deliver(hotstartOverlap)
	case "last":
		w.last.Store(true)
	case "drain":
		w.stopping.Do(func() { go w.drain() })
	}
}

// deliver hands a descriptor to who asks for it; nobody may.
func (w *hotstartWorker) deliver(fd int) {
	if w.asking.Swap(false) {
		w.answers <- fd
	} else if fd >= 0 {
		syscall.Close(fd)
	}
}

// ask sends a question and returns the answer to it, a descriptor or -1. One at a
// time calls it.
func (w *hotstartWorker) ask(question string) int {
	if w.conn == nil {
		return -1
	}
	w.asking.Store(true)
	if w.say(question, -1) != nil {
		w.conn.Close() // an answer that nobody asked for may have come all the same
	}
	late := time.NewTimer(hotstartAnswer)
	defer late.Stop()
	select {
	case fd := <-w.answers:
		return fd
	case <-w.gone:
	case <-late.C:
		w.conn.Close() // or the late answer would be taken for that to the next question
		<-w.gone
	}
	select {
	case fd := <-w.answers: // it came last of all
		return fd
	default:
		return -1
	}
}

// say sends a line, with a copy of fd if that is not -1.
func (w *hotstartWorker) say(line string, fd int) error {
	if w.conn == nil {
		return syscall.ENOTCONN
	}
	var control []byte
	if fd >= 0 {
		control = syscall.UnixRights(fd)
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	w.conn.SetWriteDeadline(time.Now().Add(hotstartAnswer))
	_, _, err := w.conn.WriteMsgUnix([]byte(line+"\n"), control, nil)
	return err
}

// hotstartDescriptors takes the descriptors out of a control message; package
// net has made them close-on-exec.
func hotstartDescriptors(control []byte) (fds []int) {
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

func hotstartCloseDescriptor(fd int) { syscall.Close(fd) }
