package sock

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/hotstart/hotstart/starter/internal/unixpath"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

// openPath listens on a path or an abstract address. It replaces a socket on which
// nobody listens, which a dead server has left. Any other file is an error.
func (b Binding) openPath(a Address) (*Socket, error) {
	abstract := wire.IsAbstract(a.Path)
	if !abstract {
		if err := clearPath(a); err != nil {
			return nil, err
		}
	}
	fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM)
	if err != nil {
		return nil, fmt.Errorf("listening on %v: %w", a, err)
	}
	s := &Socket{Address: a, Descriptor: fd}
	if err := s.bindPath(b, abstract); err != nil {
		s.Close()
		if abstract && errors.Is(err, unix.EADDRINUSE) {
			return nil, inUse(a)
		}
		return nil, fmt.Errorf("listening on %v: %w", a, err)
	}
	return s, nil
}

// bindPath makes the path and sets its mode and owner before it listens, since
// nobody can connect before that. An abstract address has no mode and no owner.
func (s *Socket) bindPath(b Binding, abstract bool) error {
	if err := unix.Bind(s.Descriptor, &unix.SockaddrUnix{Name: s.Path}); err != nil {
		return err
	}
	if !abstract {
		if s.Place = unixpath.At(s.Path); s.Place == nil {
			return errExchanged
		}
		s.Place.Owned = true
		if err := b.chmod(s.Path); err != nil {
			return err
		}
		s.Place.KeepSpare() // chmod takes a second name for the work of another user
	}
	if err := unix.Listen(s.Descriptor, b.Backlog); err != nil {
		return err
	}
	return s.identify()
}

// errExchanged says that a user who can write to the directory has put something
// else at the path.
var errExchanged = errors.New("another user has replaced the socket while it was made")

// clearPath removes a socket on which nobody listens.
func clearPath(a Address) error {
	info, err := os.Lstat(a.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("listening on %v: %w", a, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("listening on %v: it exists and is not a socket; nothing was removed", a)
	}
	c, err := net.Dial("unix", a.Path)
	if err == nil {
		c.Close()
	}
	if err == nil || errors.Is(err, unix.EAGAIN) { // EAGAIN: its queue is full
		return inUse(a)
	}
	if !errors.Is(err, unix.ECONNREFUSED) {
		return fmt.Errorf("listening on %v: asking whether it is in use: %w", a, err)
	}
	if err := os.Remove(a.Path); err != nil {
		return fmt.Errorf("replacing the dead socket %v: %w", a, err)
	}
	return nil
}
