package hook

import (
	"net"
	"os"
	"syscall"
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

// connect sends hello. It is not called at the start: until a program sends hello, hotstart itself finds out
// whether the program serves; one that never listens would never send ready.
func (w *hotstartWorker) connect() {
	w.hello.Do(func() {
		f := os.NewFile(uintptr(w.brokerFD), "hotstart")
		c, err := net.FileConn(f)
		f.Close()
		if err != nil {
			return
		}
		w.broker = hotstartNewClient(c.(*net.UnixConn))
		w.broker.Say("hello "+hotstartVersion, -1)
		go w.broker.Follow(w.handle) // ends with hotstart
	})
}

// handle handles what hotstart sends. After the death of hotstart the program keeps running as if
// started alone, unless it drains: then a newer worker serves.
func (w *hotstartWorker) handle(line string) {
	switch line {
	case "last":
		w.last.Store(true)
	case "drain":
		w.stopping.Do(func() { go w.drain() })
	}
}
