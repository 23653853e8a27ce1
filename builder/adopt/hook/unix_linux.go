package hook

import (
	"net"
	"strings"
	"syscall"
)

var _ = hotstartHere.hookUnix()

// hookUnix says so to hotstart, which may then put a path back before the program
// binds it. It is only there where net.socket has the parameters that
// hotstartUnixAddress looks for. Without it a program that leaves an old path where it is
// finds its address in use.
func (w *hotstartWorker) hookUnix() bool {
	if w == nil {
		return false
	}
	w.unixAddress = hotstartUnixAddress
	syscall.Write(w.brokerFD, []byte("takes paths\n"))
	return true
}

// hotstartUnixAddress returns the address that package net makes a socket to listen at,
// nil if it is made for something else. It is an argument of net.socket, which is the
// last function to have it before bind(2): nothing in package net tells it.
func hotstartUnixAddress() *net.UnixAddr {
	if !strings.Contains(hotstartStack(), "\nnet.(*sysListener).listenUnix(") {
		return nil
	}
	// ctx (2 words), net (2), family, sotype, proto, ipv6only, laddr (its type and
	// the pointer).
	return (*net.UnixAddr)(hotstartArgument("net.socket(", 9))
}
