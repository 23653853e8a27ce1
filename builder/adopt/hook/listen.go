package hook

import (
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hotstartPrepare lets the bind(2) of a new socket succeed beside the socket
// that hotstart keeps, which has the same option. Package net makes sockets
// to listen and to dial in the same way; to dial the options mean nothing
// unless the program binds that socket too.
//
// A UDP socket is not kept. One that is to listen may be bound beside that of the
// worker before; the kernel parts what comes between the two until that has left.
func hotstartPrepare(fd, family, kind int) {
	if family != syscall.AF_INET && family != syscall.AF_INET6 {
		return
	}
	switch kind & 0xf { // the rest are flags
	case syscall.SOCK_STREAM:
		hotstartShare(fd, 1)
		hotstartPutOffPort(fd)
	case syscall.SOCK_DGRAM:
		if hotstartListensUDP() {
			hotstartShare(fd, 1)
		}
	}
}

// hotstartListensUDP tells from its callers what a socket is for: one to dial, as
// for each question to a name server, must share its port with no other.
func hotstartListensUDP() bool {
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "net.(*sysListener).listen") {
			return true
		}
		if !more {
			return false
		}
	}
}

// hotstartShare sets SO_REUSEPORT. Sockets that can't have it don't listen.
func hotstartShare(fd, on int) {
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, hotstartReusePort(), on)
}

// listen stands for listen(2) on fd, which is bound and not polled yet: if
// hotstart keeps a socket for its address, fd becomes that one.
func (w *hotstartWorker) listen(fd, backlog int, listen func(int, int) error) error {
	if p, ok := w.takePath(fd); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.inherit(fd, p.kept)
	}
	name := hotstartName(fd)
	if name == "" {
		return listen(fd, backlog)
	}
	w.connect()
	w.mu.Lock()
	defer w.mu.Unlock()
	again, shares, overlaps := w.listens(name), hotstartMayShare(), false
	if !again || shares {
		kept := w.broker.Ask("want " + name + hotstartZero(name))
		if kept >= 0 && hotstartIsListening(kept) {
			return w.inherit(fd, kept)
		} else if kept >= 0 {
			syscall.Close(kept)
		}
		overlaps = kept == hotstartOverlap
	}
	// So that an address that a stranger holds, another hotstart too, or this
	// program itself, is in use.
	if !overlaps && (!again || !shares) || !shares && w.overlaps(name) {
		hotstartShare(fd, 0)
	}
	if err := listen(fd, backlog); err != nil {
		return err
	}
	hotstartShare(fd, 1)
	w.broker.Say("keep "+w.follows(fd), fd)
	return nil
}

func hotstartIsListening(fd int) bool {
	is, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && is != 0
}

// inherit puts the kept socket in the place of fd.
func (w *hotstartWorker) inherit(fd, kept int) error {
	defer syscall.Close(kept)
	if err := syscall.SetNonblock(kept, true); err != nil { // hotstart's own are blocking, until a Go program has them
		return err
	}
	if err := hotstartReplace(kept, fd); err != nil {
		return err
	}
	w.follows(fd)
	return nil
}

// follows remembers a listening socket that hotstart keeps, and returns its name.
func (w *hotstartWorker) follows(fd int) string {
	name := hotstartName(fd) // where port 0 was bound, it has a number now
	w.listeners[fd] = name
	w.kept[hotstartInode(fd)] = true
	hotstartMark(fd, hotstartListens)
	return name
}

// listens reports whether the program has a listening socket of this address.
func (w *hotstartWorker) listens(name string) bool {
	for _, other := range w.listeners {
		if other == name {
			return true
		}
	}
	return false
}

// overlaps reports whether the program has a listening socket of another address that
// can't be listened on at the same time as this one.
func (w *hotstartWorker) overlaps(name string) bool {
	for _, other := range w.listeners {
		if hotstartOverlaps(name, other) {
			return true
		}
	}
	return false
}

func hotstartOverlaps(one, other string) bool {
	network, address, _ := strings.Cut(one, " ")
	otherNetwork, otherAddress, _ := strings.Cut(other, " ")
	a, errA := netip.ParseAddrPort(address)
	b, errB := netip.ParseAddrPort(otherAddress)
	return errA == nil && errB == nil && a.Port() == b.Port() && a.Port() != 0 &&
		(network == otherNetwork || network == "tcp" || otherNetwork == "tcp") &&
		(a.Addr().IsUnspecified() || b.Addr().IsUnspecified())
}

// hotstartMayShare reports whether the program may have set SO_REUSEPORT itself, to
// listen more than once at one address: by the Control of a net.ListenConfig. Whether
// that has done so can't be seen, since hotstartPrepare has. A net.sysListener begins with
// the ListenConfig.
func hotstartMayShare() bool {
	config := (*net.ListenConfig)(hotstartArgument("net.(*sysListener).listenTCPProto(", 0))
	return config != nil && config.Control != nil
}

// hotstartLetGo is how long a socket that the program has accepted on stays with
// hotstart after the program has closed it: a program that is about to end, by a panic
// too, closes its sockets, and the next worker is to find what came meanwhile.
const hotstartLetGo = time.Second

// unlisten forgets a listening socket that the program closes, and has hotstart forget
// it. Unless the program has accepted on it, that is done when it returns, so that the
// address is free, for a child of the program as well.
func (w *hotstartWorker) unlisten(fd int, accepted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.listeners, fd)
	inode := hotstartInode(fd)
	if accepted {
		time.AfterFunc(hotstartLetGo, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.drop(inode, -1)
		})
		return
	}
	w.drop(inode, fd)
}

// drop has hotstart close its copy of a socket if the program has none but fd. A worker
// that drains closes what others serve.
func (w *hotstartWorker) drop(inode uint64, fd int) {
	if inode != 0 && w.kept[inode] && !w.draining.Load() && !hotstartHolds(inode, fd) {
		delete(w.kept, inode)
		w.broker.Ask("drop " + strconv.FormatUint(inode, 10))
	}
}

// hotstartHolds reports whether this process has a descriptor of a socket other than
// but, or may have one.
func hotstartHolds(inode uint64, but int) bool {
	found, err := hotstartFind(func(fd int) bool { return fd != but && hotstartInode(fd) == inode })
	return found || err != nil
}

// hotstartInode tells which socket fd is, 0 if that can't be known.
func hotstartInode(fd int) uint64 {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0
	}
	return uint64(st.Ino)
}

// hotstartName is the network and the address of a bound socket as the
// broker's protocol has them, "" if hotstart does not keep such ones.
func hotstartName(fd int) string {
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return ""
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return "tcp4 " + netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port)).String()
	case *syscall.SockaddrInet6:
		network := "tcp6 "
		only, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY)
		if err == nil && only == 0 && name.Addr == [16]byte{} {
			network = "tcp "
		}
		if name.ZoneId != 0 {
			return "" // the address alone does not say which one it is
		}
		return network + netip.AddrPortFrom(netip.AddrFrom16(name.Addr), uint16(name.Port)).String()
	case *syscall.SockaddrUnix:
		kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
		if err == nil {
			return hotstartUnixName(kind, name.Name)
		}
	}
	return ""
}
