package report

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func TestPortHolders(t *testing.T) {
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
	// Between fork and exec, a process that another test starts has the socket, too.
	syscall.ForkLock.RLock()
	got := PortHolders([]string{"server: starting", "2026/11/25 09:41:27 " + taken.Error(), "exit"})
	syscall.ForkLock.RUnlock()
	if want := fmt.Sprintf("%s is held by pid %d (", l.Addr(), os.Getpid()); len(got) != 1 || !strings.HasPrefix(got[0], want) {
		t.Errorf("got %q, want %s", got, want)
	}
	if got := PortHolders([]string{"listen tcp: address 8080: missing port in address"}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
