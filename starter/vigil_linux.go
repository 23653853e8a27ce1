package starter

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// vigilant: this system tells when a socket has stopped to listen.
const vigilant = true

// A vigil tells when a socket has stopped to listen. epoll(7) reports that
// as EPOLLHUP, which is always waited for; as nothing else is, connections
// that come wake nobody.
type vigil struct{ epoll *os.File }

func newVigil() (*vigil, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	// One that does not block is waited for by the runtime, without a thread.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	return &vigil{os.NewFile(uintptr(fd), "epoll")}, nil
}

// over has run tell of s, once: again after the next call.
func (v *vigil) over(s *socket) {
	if v == nil {
		return // a test without sockets
	}
	event := &unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: int32(uint32(s.inode)), Pad: int32(uint32(s.inode >> 32))}
	v.control(func(epoll int) error {
		err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, s.fd, event)
		if errors.Is(err, unix.EEXIST) {
			err = unix.EpollCtl(epoll, unix.EPOLL_CTL_MOD, s.fd, event)
		}
		return err
	})
}

func (v *vigil) control(do func(epoll int) error) {
	if raw, err := v.epoll.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}

// run calls tell with the inode of each socket that no longer listens, until
// the vigil is closed.
func (v *vigil) run(tell func(inode uint64)) {
	raw, err := v.epoll.SyscallConn()
	if err != nil {
		return
	}
	events := make([]unix.EpollEvent, 8)
	for err == nil {
		n := 0
		err = raw.Read(func(fd uintptr) (done bool) {
			n, _ = unix.EpollWait(int(fd), events, 0)
			return n > 0
		})
		for _, e := range events[:max(n, 0)] {
			tell(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
		}
	}
}

func (v *vigil) close() {
	if v != nil {
		v.epoll.Close()
	}
}
