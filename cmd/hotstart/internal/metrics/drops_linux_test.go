package metrics

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
)

// The kernel counts a connection to a full listen queue, and so do the metrics.
func TestListenDrops(t *testing.T) {
	before, ok := control.ListenDrops()
	if !ok {
		t.Fatal("/proc has no count")
	}
	m := New("v1", began)
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
	for range 3 { // the queue has room for one
		if conn, err := net.DialTimeout("tcp", address, 300*time.Millisecond); err == nil {
			defer conn.Close()
		}
	}
	after, _ := control.ListenDrops()
	if after == before {
		t.Fatal("the kernel has counted nothing")
	}
	if got := scrape(t, m)["hotstart_listen_drops_total"]; got < 1 {
		t.Errorf("%g, want at least 1", got)
	}
}
