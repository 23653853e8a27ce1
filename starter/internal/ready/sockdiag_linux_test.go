package ready

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/hotstart/hotstart/starter/internal/proc"
)

// The other end of a connection, before and after it is accepted.
func TestPeer(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("skipping %s: %v", address, err)
			continue
		}
		defer l.Close()
		to := l.Addr().(*net.TCPAddr)
		if to.IP.IsUnspecified() {
			to.IP = net.IPv4(127, 0, 0, 1) // an IPv4 connection of a dual stack socket
		}
		c, err := net.Dial("tcp", to.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if inode, here := peer(c); here && inode == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: the other end is not found", address)
			}
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		inode, here := peer(c)
		if !here || !proc.AnyHolds([]int{os.Getpid()}, inode) {
			t.Errorf("%s: %d, %v, is of this process", address, inode, here)
		}
		if proc.AnyHolds([]int{os.Getpid()}, inode+1<<40) {
			t.Error("what is nobody's is of this process")
		}
	}
}

func TestPeerOfAPipe(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, here := peer(a); here {
		t.Error("a pipe has a peer")
	}
}
