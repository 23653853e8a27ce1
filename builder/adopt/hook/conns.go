package hook

import (
	"sync/atomic"
	"syscall"
)

// What a descriptor is, as far as draining is concerned. Each has a cell of
// its own, and nothing else is written when a connection is accepted: no lock,
// no counter that all accepting threads share.
const (
	hotstartOpen      = 1 << iota // a connection that was accepted
	hotstartListens               // a listening socket that hotstart keeps
	hotstartSeen                  // a socket that the program has accepted on
	hotstartAccepting             // … and does in this moment
	hotstartBinds                 // a unix socket that a kept one will take the place of
	hotstartStreams               // a connection whose answer may never end
)

// hotstartFDs is untouched, and so no memory, where there is no hotstart. A
// process has no more descriptors than this unless fs.nr_open was raised; the
// surplus is not followed.
var hotstartFDs [1 << 20]atomic.Uint32

// hotstartTop is above every descriptor in use.
var hotstartTop atomic.Uint32

// hotstartMark sets what fd is.
func hotstartMark(fd int, is uint32) {
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

func hotstartIs(fd int) uint32 {
	if fd < 0 || fd >= len(hotstartFDs) {
		return 0
	}
	return hotstartFDs[fd].Load()
}

// begin is called before accept(2) on fd. It returns false if nothing is to
// be accepted any more: EAGAIN then has package net wait without an end. On a socket
// that the program has made past package net, and that hotstart does not keep, nobody
// else accepts what comes: there it is never false.
//
// It marks fd before it looks, and drain looks at the marks after it has
// begun: so either accept sees drain, or drain sees accept and waits for what
// comes of it. Package net accepts on one descriptor in one goroutine at a time.
func (w *hotstartWorker) begin(fd int) bool {
	is := hotstartIs(fd)
	if is&hotstartSeen == 0 {
		w.accepts(fd)
		is = hotstartIs(fd) | hotstartSeen
		hotstartMark(fd, is)
	}
	if is&hotstartListens == 0 {
		return true
	}
	hotstartMark(fd, is|hotstartAccepting)
	if w.draining.Load() {
		hotstartMark(fd, is)
		return false
	}
	return true
}

// end is called after accept(2) on fd returned conn, or err, and returns what
// package net is to see of that. A kept socket that does not listen (EINVAL) was
// shut down by another worker: hotstart has it listen again, so it is waited for.
func (w *hotstartWorker) end(fd, conn int, err error) error {
	is := hotstartIs(fd)
	switch {
	case err == nil:
		hotstartMark(conn, hotstartOpen)
	case err == syscall.EINVAL && is&hotstartListens != 0:
		err = syscall.EAGAIN
	case err == syscall.EAGAIN && is&hotstartListens == 0 && w.draining.Load():
		hotstartRetire(fd)
		return err
	}
	hotstartMark(fd, is&^hotstartAccepting)
	return err
}

// hotstartRetire closes a listening socket that hotstart does not keep, and whose queue is
// empty: the kernel would go on to give it a part of what comes to its address, although the
// next worker has a socket there as well. The program sees its listener wait.
func hotstartRetire(fd int) {
	if !hotstartRetires(fd) {
		return
	}
	if nothing, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); err == nil {
		hotstartMark(fd, hotstartListens|hotstartSeen)
		hotstartReplace(nothing, fd)
		syscall.Close(nothing)
	}
}

// hotstartRetires reports whether fd is such a socket.
func hotstartRetires(fd int) bool {
	if hotstartIs(fd)&(hotstartSeen|hotstartListens) != hotstartSeen {
		return false
	}
	shared, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, hotstartReusePort())
	return err == nil && shared != 0
}

// hotstartHasOwn retires the sockets of the program's own if it is time to, and reports
// whether there are some. They retire by themselves when something comes to them.
func hotstartHasOwn(now bool) bool {
	return hotstartAny(func(fd int, _ uint32) bool {
		if hotstartRetires(fd) && now {
			hotstartRetire(fd)
		}
		return hotstartRetires(fd)
	})
}

// forget is called before close(2): afterwards the number may be another's.
func (w *hotstartWorker) forget(fd int) {
	is := hotstartIs(fd)
	if is == 0 {
		return
	}
	if is&hotstartListens != 0 {
		w.unlisten(fd, is&hotstartSeen != 0)
	}
	if is&hotstartBinds != 0 {
		w.dropPath(fd)
	}
	hotstartMark(fd, 0)
}

// hotstartAny reports whether some descriptor is as fits says.
func hotstartAny(fits func(fd int, is uint32) bool) bool {
	top := int(hotstartTop.Load())
	for fd := 0; fd < top; fd++ {
		if fits(fd, hotstartFDs[fd].Load()) {
			return true
		}
	}
	return false
}

// hotstartIsAccepting and hotstartHasOpen have to be asked in this order: once
// nothing accepts any more, what was accepted is open.
func hotstartIsAccepting() bool {
	return hotstartAny(func(_ int, is uint32) bool { return is&hotstartAccepting != 0 })
}

func hotstartHasOpen() bool {
	return hotstartAny(func(fd int, is uint32) bool { return is&hotstartOpen != 0 && hotstartIsSocket(fd, is) })
}

// hotstartIsSocket tells whether fd is one still: a program may have closed
// it by syscall.Close.
func hotstartIsSocket(fd int, is uint32) bool {
	_, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		hotstartFDs[fd].CompareAndSwap(is, 0) // it may be a new connection by now
	}
	return err == nil
}
