package sock

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Monitor reports when a socket is shut down. epoll(7) reports that as EPOLLHUP,
// which is always waited for. Nothing else is waited for, so that new connections
// do not wake this process.
type Monitor struct{ epoll *os.File }

// NewMonitor returns a monitor without sockets.
func NewMonitor() (*Monitor, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll instance: %w", err)
	}
	unix.SetNonblock(fd, true) // the runtime waits for it without a thread
	return &Monitor{os.NewFile(uintptr(fd), "epoll")}, nil
}

// Add makes Run report the next shutdown of a socket. Each report needs a new
// call. A nil monitor does nothing.
func (m *Monitor) Add(s *Socket) {
	if m == nil {
		return
	}
	raw, _ := m.epoll.SyscallConn()
	event := &unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: int32(uint32(s.Inode)), Pad: int32(uint32(s.Inode >> 32))}
	raw.Control(func(epoll uintptr) {
		if err := unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, s.Descriptor, event); errors.Is(err, unix.EEXIST) {
			unix.EpollCtl(int(epoll), unix.EPOLL_CTL_MOD, s.Descriptor, event)
		}
	})
}

// Run calls report with the inode of each socket that is shut down, until Close.
func (m *Monitor) Run(report func(inode uint64)) {
	raw, err := m.epoll.SyscallConn()
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
			report(uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32)
		}
	}
}

// Close stops the monitor. Closing a nil monitor does nothing.
func (m *Monitor) Close() {
	if m != nil {
		m.epoll.Close()
	}
}
