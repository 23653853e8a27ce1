package starter

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// deaf is a socket that has stopped to listen, since a worker has called
// shutdown(2) on its copy: that is done to the socket, for all who have it.
type deaf struct{ inode uint64 }

// watchOver has the loop told when one of the sockets stops to listen.
func (s *Starter) watchOver(sockets []*socket) (err error) {
	if s.vigil, err = newVigil(); err != nil {
		return err
	}
	for _, socket := range sockets {
		if socket.stream() {
			s.vigil.over(socket)
		}
	}
	go s.vigil.run(func(inode uint64) { s.tell(deaf{inode}) })
	return nil
}

// heal has a kept socket listen again, and tells whose doing it was. A socket
// that is not kept any more is none of ours.
func (s *Starter) heal(inode uint64) {
	socket := s.ledger.find(inode)
	if socket == nil || !socket.shut() {
		return
	}
	err := socket.listenAgain(s.options.Backlog)
	if err == nil {
		s.vigil.over(socket)
	}
	s.options.Report(Event{Kind: ListenerShutDown, Worker: s.machine.suspect(), Address: socket.listens(), Err: err})
}

// healAll is for systems that do not tell: a new worker at least finds every
// socket as it should be.
func (s *Starter) healAll() {
	if vigilant {
		return
	}
	for _, inode := range s.ledger.streams() {
		s.heal(inode)
	}
}

// shut reports whether shutdown(2) was called on s: poll(2) says so of every
// kind of socket, SO_ACCEPTCONN not of a unix one.
func (s *socket) shut() bool {
	fds := []unix.PollFd{{Fd: int32(s.fd)}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLHUP != 0
}

// listenAgain undoes a shutdown(2), all but what was queued. A unix socket
// stays shut down.
func (s *socket) listenAgain(backlog int) error {
	if s.unix() {
		return errors.New("a unix socket can't be made to listen again")
	}
	// Linux lets go of a port that it has chosen itself, and says EINVAL
	// where the socket has its own still.
	_, to := sockaddr(s.bound.Addr(), int(s.bound.Port()))
	if err := unix.Bind(s.fd, to); err != nil && err != unix.EINVAL {
		return fmt.Errorf("binding it again: %w", err)
	}
	if err := unix.Listen(s.fd, backlog); err != nil {
		return fmt.Errorf("listening again: %w", err)
	}
	return nil
}
