package hook

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hotstartPrepare sets SO_REUSEPORT on a new socket, so that bind(2) succeeds although hotstart keeps a socket of the
// same address, which has the option too. Package net makes sockets to listen and to dial in the same way; when
// dialing, the option has no effect unless the program binds that socket too.
//
// hotstart does not keep UDP sockets. A listening one can be bound while the previous worker has its own; the kernel
// divides packets between the two until the previous worker has exited.
func hotstartPrepare(fd, family, kind int) {
	if family != syscall.AF_INET && family != syscall.AF_INET6 {
		return
	}
	switch kind & 0xf { // the rest are flags
	case syscall.SOCK_STREAM:
		hotstartSetReusePort(fd, 1)
		hotstartDelayPort(fd)
	case syscall.SOCK_DGRAM: // a socket to dial, for example to ask a name server, must not share its port
		if strings.Contains(hotstartCallers(), "\nnet.(*sysListener).listen") {
			hotstartSetReusePort(fd, 1)
		}
	}
}

// hotstartSetReusePort sets SO_REUSEPORT. A socket that can't have the option does not listen.
func hotstartSetReusePort(fd, on int) {
	syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, hotstartReusePort(), on)
}

// listen replaces listen(2) on fd, which is bound and not yet polled. If hotstart keeps a socket for the address, fd
// becomes that socket.
func (w *hotstartWorker) listen(fd, backlog int, listen func(int, int) error) error {
	if p, ok := w.takePath(fd); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.inherit(fd, p.kept)
	}
	name := hotstartSocketName(fd)
	if name == "" {
		return listen(fd, backlog)
	}
	w.connect()
	w.mu.Lock()
	defer w.mu.Unlock()
	again, shares, overlaps := w.hasListener(name), hotstartMayReusePort(), false
	if !again || shares {
		kept := w.broker.Ask("want " + name + hotstartSiteWord(name))
		if kept >= 0 && hotstartIsListening(kept) {
			return w.inherit(fd, kept)
		} else if kept >= 0 {
			syscall.Close(kept)
		}
		overlaps = kept == hotstartOverlap
	}
	// Without the option, listen(2) fails if another program, another hotstart or this program itself listens there.
	if !overlaps && (!again || !shares) || !shares && w.anyListener(func(other string) bool { return hotstartOverlaps(name, other) }) {
		hotstartSetReusePort(fd, 0)
	}
	if err := listen(fd, backlog); err != nil {
		return err
	}
	hotstartSetReusePort(fd, 1)
	w.broker.Say("keep "+w.track(fd), fd)
	return nil
}

// hotstartSites has the goroutines that have asked for port 0, by call site. It is guarded by w.mu.
var hotstartSites map[string][]string

// hotstartMaxGoroutines limits the goroutines of one call site that are distinguished: an FTP server asks for a port in
// each of its connections.
const hotstartMaxGoroutines = 64

// hotstartSiteWord returns the third word of a want for port 0, "" for other addresses. It names the call site by
// its functions, because line numbers change with each edit, and the goroutine by its index among those that have
// asked there.
func hotstartSiteWord(name string) string {
	if !strings.HasSuffix(name, ":0") {
		return ""
	}
	site, goroutine := hotstartSite(), hotstartGoroutine()
	if hotstartSites == nil {
		hotstartSites = map[string][]string{}
	}
	n := 0
	for n < len(hotstartSites[site]) && hotstartSites[site][n] != goroutine {
		n++
	}
	if n == len(hotstartSites[site]) && n < hotstartMaxGoroutines {
		hotstartSites[site] = append(hotstartSites[site], goroutine)
	}
	return " " + site + "." + strconv.Itoa(n)
}

func hotstartIsListening(fd int) bool {
	is, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return err == nil && is != 0
}

// inherit replaces fd with the kept socket.
func (w *hotstartWorker) inherit(fd, kept int) error {
	defer syscall.Close(kept)
	if err := syscall.SetNonblock(kept, true); err != nil { // a socket that hotstart made is blocking until a Go program has it
		return err
	}
	if err := hotstartReplace(kept, fd); err != nil {
		return err
	}
	w.track(fd)
	return nil
}

// track remembers a listening socket that hotstart keeps, and returns its name.
func (w *hotstartWorker) track(fd int) string {
	name := hotstartSocketName(fd) // port 0 has a number by now
	w.listeners[fd] = name
	w.kept[hotstartInode(fd)] = true
	hotstartSetState(fd, hotstartKept)
	return name
}

// hasListener reports whether the program has a listening socket of this address.
func (w *hotstartWorker) hasListener(name string) bool {
	return w.anyListener(func(other string) bool { return other == name })
}

func (w *hotstartWorker) anyListener(fits func(name string) bool) bool {
	for _, name := range w.listeners {
		if fits(name) {
			return true
		}
	}
	return false
}

// hotstartOverlaps reports whether sockets of two addresses exclude each other, although the addresses differ.
func hotstartOverlaps(one, other string) bool {
	network, address, _ := strings.Cut(one, " ")
	otherNetwork, otherAddress, _ := strings.Cut(other, " ")
	a, errA := netip.ParseAddrPort(address)
	b, errB := netip.ParseAddrPort(otherAddress)
	return errA == nil && errB == nil && a.Port() == b.Port() && a.Port() != 0 &&
		(network == otherNetwork || network == "tcp" || otherNetwork == "tcp") &&
		(a.Addr().IsUnspecified() || b.Addr().IsUnspecified())
}

// hotstartMayReusePort reports whether the program itself may have set SO_REUSEPORT, by the Control of a
// net.ListenConfig, to listen more than once on one address. It can't find out whether Control did that, because
// hotstartPrepare has set the option before. A net.sysListener begins with the ListenConfig.
func hotstartMayReusePort() bool {
	config := (*net.ListenConfig)(hotstartArgument("net.(*sysListener).listenTCPProto(", 0))
	return config != nil && config.Control != nil
}

// hotstartReleaseDelay is the time for which hotstart keeps a socket that the program has accepted on and closed. A
// program that is about to exit, also by a panic, closes its sockets, and the connections that come meanwhile are for
// the next worker.
const hotstartReleaseDelay = time.Second

// unlisten forgets a listening socket that the program closes, and makes hotstart forget it. If the program has never
// accepted on the socket, the address is free when unlisten returns, so that a child of the program can listen there.
func (w *hotstartWorker) unlisten(fd int, accepted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.listeners, fd)
	inode := hotstartInode(fd)
	if accepted {
		time.AfterFunc(hotstartReleaseDelay, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.release(inode, -1)
		})
		return
	}
	w.release(inode, fd)
}

// release makes hotstart close its copy of a socket, if the program has no other descriptor of it than fd. It does
// nothing while the worker drains: then other workers serve the socket.
func (w *hotstartWorker) release(inode uint64, fd int) {
	if inode != 0 && w.kept[inode] && !w.draining.Load() && !hotstartHolds(inode, fd) {
		delete(w.kept, inode)
		w.broker.Ask("drop " + strconv.FormatUint(inode, 10))
	}
}

// hotstartHolds reports whether this process has, or may have, a descriptor of a socket, apart from except.
func hotstartHolds(inode uint64, except int) bool {
	found, err := hotstartAnyFD(func(fd int) bool { return fd != except && hotstartInode(fd) == inode })
	return found || err != nil
}

// hotstartInode returns the inode of fd, 0 if it is unknown.
func hotstartInode(fd int) uint64 {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0
	}
	return uint64(st.Ino)
}

// hotstartSocketName returns the network and the address of a bound socket in the form of the broker's protocol, ""
// if hotstart does not keep sockets of its kind.
func hotstartSocketName(fd int) string {
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return ""
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return "tcp4 " + hotstartAddrPort(name).String()
	case *syscall.SockaddrInet6:
		network := "tcp6 "
		only, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY)
		if err == nil && only == 0 && name.Addr == [16]byte{} {
			network = "tcp "
		}
		if name.ZoneId != 0 {
			return "" // the protocol has no zones
		}
		return network + hotstartAddrPort(name).String()
	case *syscall.SockaddrUnix:
		kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
		if err == nil {
			return hotstartUnixName(kind, name.Name)
		}
	}
	return ""
}

// hotstartAddrPort returns the address of an IP socket, or the zero value.
func hotstartAddrPort(name syscall.Sockaddr) netip.AddrPort {
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(name.Addr), uint16(name.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(name.Addr), uint16(name.Port))
	}
	return netip.AddrPort{}
}
