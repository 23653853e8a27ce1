package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestHeld(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the holder can be seen in /proc alone")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken := net.Listen("tcp", l.Addr().String())
	// What another test starts has the socket, too, until it has become what it is to be.
	syscall.ForkLock.RLock()
	got := held([]string{"server: starting", "2026/11/25 09:41:27 " + taken.Error(), "exit"})
	syscall.ForkLock.RUnlock()
	if want := fmt.Sprintf("  %s is held by pid %d (", l.Addr(), os.Getpid()); !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q, want %s", got, want)
	}
	if got := held([]string{"listen tcp: address 8080: missing port in address"}); got != "" {
		t.Errorf("got %q", got)
	}
}
