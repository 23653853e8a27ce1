package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// reserveAddress returns an address for a program that binds it itself. Until release
// a socket is bound to it that shares the address and never listens, so that Linux
// does not choose it for a process that binds port 0.
func reserveAddress() (address string, release func(), err error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", nil, err
	}
	address, err = bindReusable(fd)
	if err != nil || runtime.GOOS != "linux" { // on other systems a second bind fails
		unix.Close(fd)
		return address, func() {}, err
	}
	return address, func() { unix.Close(fd) }, nil
}

func bindReusable(fd int) (address string, err error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return "", err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", err
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return "", err
	}
	return fmt.Sprint("127.0.0.1:", bound.(*unix.SockaddrInet4).Port), nil
}

func TestAReservedAddressCanBeBound(t *testing.T) {
	t.Parallel()
	address, release, err := reserveAddress()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for range 2 { // like a restarted program
		l, err := net.Listen("tcp", address)
		// A child that another test forks has a copy of the closed listener until it
		// executes its program.
		for end := time.Now().Add(patience); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
			l, err = net.Listen("tcp", address)
		}
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
