package starter

import (
	"net"
	"os"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"golang.org/x/sys/unix"
)

// SetFallback sets the function that handles connections while no worker runs
// and none is about to be started; nil, the default, leaves the connections
// waiting. The fallback accepts its last connection before a worker is started:
// the two never accept at the same time, and every later connection is the
// worker's. take is called on a goroutine of its own for each connection, which
// it must close. SetFallback does not wait.
func (s *Starter) SetFallback(take func(net.Conn)) {
	for {
		select {
		case s.standIns <- take:
			return
		case <-s.standIns:
		}
	}
}

// idle reports whether nobody will accept unless somebody asks for a worker.
func (m *machine) idle() bool {
	return len(m.workers) == 0 && m.wanted == nil && !m.stopping
}

// lend gives the sockets to the stand-in, or takes them back.
func (s *Starter) lend() {
	switch {
	case s.standIn == nil || !s.machine.idle():
		s.reclaim()
	case s.lent == nil:
		s.lent = startLending(s.ledger.listeners(), s.standIn)
	}
}

// reclaim takes the sockets back: nobody accepts on them when it returns.
func (s *Starter) reclaim() {
	if s.lent != nil {
		s.lent.end()
		s.lent = nil
	}
}

// listeners are the descriptors of all that is listened on.
func (l *ledger) listeners() (fds []int) {
	for _, s := range l.own {
		if s.stream() {
			fds = append(fds, s.fd)
		}
	}
	for _, g := range l.given {
		fds = append(fds, g.fd)
	}
	return fds
}

// A lending is a time in which somebody else accepts on the sockets. It does
// so without touching them: they stay in blocking mode, if that is what they
// are in, so it waits by poll(2). That a connection is there which poll has
// shown is certain as long as nobody else accepts.
type lending struct {
	wake int // its end ends the lending
	done chan struct{}
}

// startLending returns nil if this process has no descriptors left.
func startLending(fds []int, take func(net.Conn)) *lending {
	r, w, err := proc.Pipe()
	if err != nil {
		return nil
	}
	l := &lending{wake: w, done: make(chan struct{})}
	go func() { // ends when wake is closed
		defer close(l.done)
		defer unix.Close(r)
		acceptFor(r, fds, newConn, take)
	}()
	return l
}

func (l *lending) end() {
	unix.Close(l.wake)
	<-l.done
}

// lendingPause is how long a stand-in waits where accept(2) fails without a
// connection being the reason: no descriptor or memory is left, or a worker has shut the
// socket down, which is about to listen again. It is short for a browser, and long
// for a loop.
const lendingPause = 50 * time.Millisecond

// acceptFor accepts until the other end of the pipe is closed.
func acceptFor(pipe int, fds []int, accept func(fd int) (int, error), take func(net.Conn)) {
	polled := []unix.PollFd{{Fd: int32(pipe), Events: unix.POLLIN}}
	for _, fd := range fds {
		polled = append(polled, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	for {
		if _, err := unix.Poll(polled, -1); err == unix.EINTR {
			continue // it says nothing of the sockets: accept could block
		} else if err != nil {
			return
		}
		fails := false
		for i := range polled[1:] {
			if p := &polled[1+i]; p.Revents != 0 && !acceptOne(int(p.Fd), accept, take) {
				fails = true
			}
		}
		if fails {
			unix.Poll(polled[:1], int(lendingPause.Milliseconds()))
		}
		if polled[0].Revents != 0 {
			return
		}
	}
}

// acceptOne reports whether the socket can be accepted on again at once.
func acceptOne(listener int, accept func(fd int) (int, error), take func(net.Conn)) bool {
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
		go take(c)
	}
	return true
}
