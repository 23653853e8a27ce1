package sock

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// IsShutDown reports whether a process has called shutdown(2) on its copy of the
// socket, which affects all copies. poll(2) shows that for every kind of socket,
// SO_ACCEPTCONN does not for unix sockets.
func (s *Socket) IsShutDown() bool {
	fds := []unix.PollFd{{Fd: int32(s.Descriptor)}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLHUP != 0
}

// Relisten undoes a shutdown(2). Queued connections are lost. A unix socket can't
// listen again.
func (s *Socket) Relisten(backlog int) error {
	if s.isUnix() {
		return errors.New("a unix socket can't be made to listen again")
	}
	// Linux releases a port that the kernel has chosen, and returns EINVAL if the
	// socket still has its port.
	_, to := sockaddr(s.Bound.Addr(), int(s.Bound.Port()))
	if err := unix.Bind(s.Descriptor, to); err != nil && err != unix.EINVAL {
		return fmt.Errorf("binding it again: %w", err)
	}
	if err := unix.Listen(s.Descriptor, backlog); err != nil {
		return fmt.Errorf("listening again: %w", err)
	}
	return nil
}
