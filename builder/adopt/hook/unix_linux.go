package hook

import (
	"net"
	"strings"
	"syscall"
)

var _ = hotstartHere.hookUnix()

// hookUnix sends "takes paths": hotstart may then restore a path before the program binds it. This file is left out
// if net.socket of the program's Go has other parameters than hotstartUnixAddress reads. Then a program that does not
// remove an old path finds its address in use.
func (w *hotstartWorker) hookUnix() bool {
	if w == nil {
		return false
	}
	w.unixAddress = hotstartUnixAddress
	syscall.Write(w.brokerFD, []byte("takes paths\n"))
	return true
}

// hotstartUnixAddress returns the address on which the socket that package net makes will listen, or nil if the socket
// is made for another purpose. The address is an argument of net.socket, the last function that has it before
// bind(2); package net passes it to no hook.
func hotstartUnixAddress() *net.UnixAddr {
	if !strings.Contains(hotstartStack(), "\nnet.(*sysListener).listenUnix(") {
		return nil
	}
	// ctx (2 words), net (2), family, sotype, proto, ipv6only, laddr (its type and
	// the pointer).
	return (*net.UnixAddr)(hotstartArgument("net.socket(", 9))
}
