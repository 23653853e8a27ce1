package sock

import (
	"net"
	"os"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// FallbackServer accepts connections on kept sockets while no worker runs. It does
// not change the sockets: they may be in blocking mode, so it waits by poll(2). A
// connection that poll has shown is certain to be there as long as no other
// process accepts.
type FallbackServer struct {
	wake int // closing it stops the server
	done chan struct{}
}

// ServeFallback starts a server. handle is called on a goroutine of its own for
// each connection. It returns nil if this process has no descriptors left.
func ServeFallback(fds []int, handle func(net.Conn)) *FallbackServer {
	r, w, err := proc.Pipe()
	if err != nil {
		return nil
	}
	f := &FallbackServer{wake: w, done: make(chan struct{})}
	go func() { // ends when wake is closed
		defer close(f.done)
		defer unix.Close(r)
		acceptUntil(r, fds, accept, handle)
	}()
	return f
}

// Stop returns when the server has accepted its last connection. A nil server has
// stopped.
func (f *FallbackServer) Stop() {
	if f != nil {
		unix.Close(f.wake)
		<-f.done
	}
}

// fallbackPause is the wait after accept(2) has failed for a reason other than the
// connection: no descriptor or memory is left, or a worker has shut the socket
// down, which is about to listen again. It is short for a browser, and long for a
// loop.
const fallbackPause = 50 * time.Millisecond

// acceptUntil accepts until the other end of the pipe is closed.
func acceptUntil(pipe int, fds []int, accept func(fd int) (int, error), handle func(net.Conn)) {
	polled := []unix.PollFd{{Fd: int32(pipe), Events: unix.POLLIN}}
	for _, fd := range fds {
		polled = append(polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	for {
		if _, err := unix.Poll(polled, -1); err == unix.EINTR {
			continue // Revents is not set: accept could block
		} else if err != nil {
			return
		}
		fails := false
		for i := range polled[1:] {
			if p := &polled[1+i]; p.Revents != 0 && !acceptOne(int(p.Fd), accept, handle) {
				fails = true
			}
		}
		if fails {
			unix.Poll(polled[:1], int(fallbackPause.Milliseconds()))
		}
		if polled[0].Revents != 0 {
			return
		}
	}
}

// acceptOne accepts one connection, and reports whether the next attempt may
// follow at once.
func acceptOne(listener int, accept func(fd int) (int, error), handle func(net.Conn)) bool {
	fd, err := accept(listener)
	switch err {
	case nil:
	case unix.EINTR, unix.EAGAIN, unix.ECONNABORTED:
		return true
	default:
		return false
	}
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close() // c has a copy
	if c, err := net.FileConn(f); err == nil {
		go handle(c)
	}
	return true
}
