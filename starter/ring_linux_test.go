package starter

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/ready"
	"golang.org/x/sys/unix"
)

// ownPoll is a program in Go that waits for connections in an epoll set of its own,
// like the netpoll libraries.
func ownPoll() error {
	l, err := net.FileListener(os.NewFile(3, "inherited"))
	if err != nil {
		return err
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	io.Copy(io.Discard, os.Stdin)
	epoll, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	fd := int(f.Fd())
	if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)}); err != nil {
		return err
	}
	for {
		if _, err := unix.EpollWait(epoll, make([]unix.EpollEvent, 1), -1); err != unix.EINTR {
			return err
		}
	}
}

func TestAProgramThatPollsByItselfIsSeen(t *testing.T) {
	t.Parallel()
	s := listenOn(t, "127.0.0.1:0")
	asked := []uint64{s.Inode}
	pid, stdin := startWith(t, s, program("poll"))
	until(t, "its listener is not seen", func() bool { return slices.Equal(ready.Inspect(pid, asked).MayWait, asked) })
	stdin.Close()
	until(t, "its own epoll set is not seen", func() bool { return slices.Equal(ready.Inspect(pid, asked).Waits, asked) })
}

// ring is a program that accepts on descriptor 3 by io_uring(7) when its
// stdin ends.
func ring() error {
	const (
		tail, mask, array = 44, 48, 64 // in struct io_uring_params, of sq_off
		entries           = 1 << 28    // IORING_OFF_SQES
		accept            = 13         // IORING_OP_ACCEPT
	)
	var params [120]byte
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return errno
	}
	queue, err1 := unix.Mmap(int(fd), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	requests, err2 := unix.Mmap(int(fd), entries, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	io.Copy(io.Discard, os.Stdin)
	requests[0] = accept
	binary.NativeEndian.PutUint32(requests[4:], 3)
	at := func(offset int) *uint32 {
		return (*uint32)(unsafe.Pointer(&queue[binary.NativeEndian.Uint32(params[offset:])]))
	}
	*at(array) = 0
	atomic.StoreUint32(at(tail), 1)
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, fd, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	time.Sleep(time.Hour)
	return nil
}

// /proc shows what a ring waits for, but not on which socket.
func TestAnAcceptInARing(t *testing.T) {
	t.Parallel()
	s := listenOn(t, "127.0.0.1:0")
	asked := []uint64{s.Inode}
	pid, stdin := startWith(t, s, program("ring"))
	until(t, "its ring is not seen", func() bool {
		if hasEnded(pid) {
			t.Skip("io_uring is not allowed here")
		}
		found := false
		proc.EachDescriptor(pid, func(_, to string) { found = found || to == "anon_inode:[io_uring]" })
		return found
	})
	stdin.Close()
	until(t, "its accept is not seen", func() bool { return slices.Equal(ready.Inspect(pid, asked).MayWait, asked) })
}
