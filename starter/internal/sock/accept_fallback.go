package sock

import (
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// FallbackServer accepts connections on kept sockets while no worker runs.
type FallbackServer struct {
	listeners []net.Listener
	restore   []func()      // restore the blocking mode of the sockets
	stopped   chan struct{} // closed by Stop
	accepting sync.WaitGroup
}

// ServeFallback starts a server on the stream sockets. handle is called on a goroutine of its own for
// each connection. Package net sets O_NONBLOCK, which belongs to the open file
// description and so applies to workers, too: Stop restores it. A socket is not
// served if this process has no descriptors left.
func ServeFallback(sockets []*Socket, handle func(net.Conn)) *FallbackServer {
	f := &FallbackServer{stopped: make(chan struct{})}
	for _, s := range sockets {
		if !s.IsStream() {
			continue
		}
		fd := s.Descriptor
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			continue
		}
		l, err := listenerOf(fd)
		if err != nil {
			continue
		}
		f.listeners = append(f.listeners, l)
		f.restore = append(f.restore, func() { unix.SetNonblock(fd, flags&unix.O_NONBLOCK != 0) })
		f.accepting.Go(func() { f.accept(l, handle) })
	}
	return f
}

// listenerOf returns a listener that has a copy of a descriptor.
func listenerOf(fd int) (net.Listener, error) {
	duplicate, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(duplicate), "listener")
	defer file.Close() // the listener has a copy of its own
	return net.FileListener(file)
}

// Stop returns when the server has accepted its last connection. A nil server has
// stopped.
func (f *FallbackServer) Stop() {
	if f == nil {
		return
	}
	close(f.stopped)
	for _, l := range f.listeners {
		l.Close()
	}
	f.accepting.Wait()
	for _, restore := range f.restore {
		restore()
	}
}

// fallbackPause is the wait after accept(2) has failed: no descriptor or memory is
// left, or a worker has shut the socket down, which is about to listen again. It
// is short for a browser, and long for a loop.
const fallbackPause = 50 * time.Millisecond

// accept accepts until Stop.
func (f *FallbackServer) accept(l net.Listener, handle func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err == nil {
			go handle(c)
			continue
		}
		select {
		case <-f.stopped:
			return
		case <-time.After(fallbackPause):
		}
	}
}
