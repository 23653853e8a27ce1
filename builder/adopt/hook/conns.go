package hook

import (
	"strconv"
	"sync/atomic"
	"syscall"
)

// The state of a descriptor, a set of bits. Each descriptor has its own cell, and accepting a connection writes
// nothing else: no lock and no counter is shared by accepting threads.
const (
	hotstartOpen      = 1 << iota // an accepted connection
	hotstartKept                  // a listening socket that hotstart keeps
	hotstartAccepted              // a socket on which the program has accepted
	hotstartAccepting             // … and accepts now
	hotstartUnbound               // a unix socket that a kept one will replace
	hotstartStreams               // a connection whose answer may never end
)

// hotstartFDs is untouched, and so uses no memory, if hotstart did not start the program. A process has no higher
// descriptor unless fs.nr_open was raised; those are not followed.
var hotstartFDs [1 << 20]atomic.Uint32

// hotstartTop is above every descriptor in use.
var hotstartTop atomic.Uint32

// hotstartSetState sets the state of fd.
func hotstartSetState(fd int, is uint32) {
	if fd < 0 || fd >= len(hotstartFDs) {
		return
	}
	for {
		top := hotstartTop.Load()
		if uint32(fd) < top || hotstartTop.CompareAndSwap(top, uint32(fd)+1) {
			break
		}
	}
	hotstartFDs[fd].Store(is)
}

func hotstartState(fd int) uint32 {
	if fd < 0 || fd >= len(hotstartFDs) {
		return 0
	}
	return hotstartFDs[fd].Load()
}

// beforeAccept is called before accept(2) on fd. It returns false if the worker must not accept any more: EAGAIN
// then makes package net wait without an end. It never returns false for a socket that hotstart does not keep
// because the program bypassed package net: no other worker accepts connections from that socket.
//
// beforeAccept marks fd, then looks whether the worker drains. drain marks the worker, then looks at the marks of
// the descriptors. So either accept sees drain, or drain sees accept and waits for the connection. Package net
// accepts on one descriptor in one goroutine at a time. A hold, in which beforeAccept waits, is seen in the same way.
func (w *hotstartWorker) beforeAccept(fd int) bool {
	is := hotstartState(fd)
	if is&hotstartAccepted == 0 {
		w.accepts(fd)
		is = hotstartState(fd) | hotstartAccepted
		hotstartSetState(fd, is)
	}
	if is&hotstartKept == 0 {
		return true
	}
	for {
		hotstartSetState(fd, is|hotstartAccepting)
		draining, hold := w.draining.Load(), w.held()
		if !draining && hold.letsAccept(fd) {
			return true
		}
		hotstartSetState(fd, is)
		if draining {
			return false
		}
		hold.waitToAccept(fd)
	}
}

// afterAccept is called after accept(2) on fd returned conn or err. It returns the error for package net. A kept
// socket that does not listen (EINVAL) was shut down by another worker: hotstart makes it listen again, so package
// net has to wait.
func (w *hotstartWorker) afterAccept(fd, conn int, err error) error {
	is := hotstartState(fd)
	switch {
	case err == nil:
		hotstartSetState(conn, hotstartOpen)
	case err == syscall.EINVAL && is&hotstartKept != 0:
		err = syscall.EAGAIN
	case err == syscall.EAGAIN && is&hotstartKept == 0 && w.draining.Load():
		hotstartRetire(fd)
		return err
	}
	if err == syscall.EAGAIN {
		w.held().emptied(fd)
	}
	hotstartSetState(fd, is&^hotstartAccepting)
	return err
}

// hotstartRetire closes a listening socket that hotstart does not keep, and whose queue is empty. The kernel would
// still give the socket a part of the new connections, although the next worker has a socket of the same address.
// For the program its listener waits.
func hotstartRetire(fd int) {
	if !hotstartMustRetire(fd) {
		return
	}
	if unused, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); err == nil {
		hotstartSetState(fd, hotstartKept|hotstartAccepted)
		hotstartReplace(unused, fd)
		syscall.Close(unused)
	}
}

// hotstartMustRetire reports whether fd is a listening socket that hotstart does not keep, with SO_REUSEPORT.
func hotstartMustRetire(fd int) bool {
	if hotstartState(fd)&(hotstartAccepted|hotstartKept) != hotstartAccepted {
		return false
	}
	shared, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, hotstartReusePort())
	return err == nil && shared != 0
}

// hotstartHasUnkept reports whether there is a socket to retire. With now set it retires the socket first; without
// now a socket retires when a connection comes to it.
func hotstartHasUnkept(now bool) bool {
	return hotstartAnyState(func(fd int, _ uint32) bool {
		if hotstartMustRetire(fd) && now {
			hotstartRetire(fd)
		}
		return hotstartMustRetire(fd)
	})
}

// beforeClose is called before close(2): afterwards the number may belong to another file.
func (w *hotstartWorker) beforeClose(fd int) {
	is := hotstartState(fd)
	if is == 0 {
		return
	}
	if is&hotstartKept != 0 {
		w.unlisten(fd, is&hotstartAccepted != 0)
	}
	if is&hotstartUnbound != 0 {
		w.dropPath(fd)
	}
	hotstartSetState(fd, 0)
}

// hotstartAnyState reports whether fits accepts the state of any descriptor.
func hotstartAnyState(fits func(fd int, is uint32) bool) bool {
	top := int(hotstartTop.Load())
	for fd := 0; fd < top; fd++ {
		if fits(fd, hotstartFDs[fd].Load()) {
			return true
		}
	}
	return false
}

// hotstartIsAccepting must be called before hotstartHasOpen: once no accept is under way, every accepted connection
// is marked as open.
func hotstartIsAccepting() bool {
	return hotstartAnyState(func(_ int, is uint32) bool { return is&hotstartAccepting != 0 })
}

func hotstartHasOpen() bool {
	return hotstartAnyState(func(fd int, is uint32) bool { return is&hotstartOpen != 0 && hotstartIsSocket(fd, is) })
}

// hotstartIsSocket reports whether fd is still a socket: a program may have closed it by syscall.Close.
func hotstartIsSocket(fd int, is uint32) bool {
	_, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		hotstartFDs[fd].CompareAndSwap(is, 0) // it may be a new connection by now
	}
	return err == nil
}

// A program may copy an accepted connection by its File method, and close the original. No hook is called for the
// copy, so the copy is searched for among all descriptors, by its address.

// hotstartAcceptedAt returns the ports and paths on which the program has accepted connections.
func hotstartAcceptedAt() map[string]bool {
	accepted := map[string]bool{}
	hotstartAnyState(func(fd int, is uint32) bool {
		if at := hotstartPortOrPath(fd); is&hotstartAccepted != 0 && at != "" {
			accepted[at] = true
		}
		return false
	})
	return accepted
}

// hotstartPortOrPath returns the port or the path that a socket is bound to, "" for any other descriptor.
func hotstartPortOrPath(fd int) string {
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return ""
	}
	if name, ok := name.(*syscall.SockaddrUnix); ok {
		return name.Name
	}
	if at := hotstartAddrPort(name); at.IsValid() {
		return strconv.Itoa(int(at.Port()))
	}
	return ""
}

// hotstartHasCopies reports whether the program has a connection at one of the ports and paths that its client has
// not closed. The drain does not wait for a copy that the program forgot to close.
func hotstartHasCopies(accepted map[string]bool) bool {
	found, _ := hotstartAnyFD(func(fd int) bool {
		if !accepted[hotstartPortOrPath(fd)] {
			return false
		}
		if _, err := syscall.Getpeername(fd); err != nil {
			return false
		}
		n, _, err := syscall.Recvfrom(fd, make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return n > 0 || err == syscall.EAGAIN
	})
	return found
}

// hotstartAnyFD reports whether fits accepts any open descriptor of this process. It does not use package os, which
// would call the hooks when it closes the directory.
func hotstartAnyFD(fits func(fd int) bool) (bool, error) {
	dir, err := syscall.Open("/dev/fd", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false, err
	}
	defer syscall.Close(dir)
	buf := make([]byte, 8192)
	for {
		n, err := syscall.ReadDirent(dir, buf)
		if err != nil || n <= 0 {
			return false, err
		}
		_, _, names := syscall.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			if fd, err := strconv.Atoi(name); err == nil && fits(fd) {
				return true, nil
			}
		}
	}
}
