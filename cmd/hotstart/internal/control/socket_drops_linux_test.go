package control

import (
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Nobody accepts, so that the queue is full with two connections.
func TestSocketDropsAreCounted(t *testing.T) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := syscall.Listen(int(file.Fd()), 1); err != nil {
		t.Fatal(err)
	}
	only := func(d SocketDrops) SocketDrops { // other tests listen, too
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		inode := info.Sys().(*syscall.Stat_t).Ino
		n, ok := d[inode]
		if !ok {
			t.Fatalf("socket %d is not counted: %v", inode, d)
		}
		return SocketDrops{inode: n}
	}
	before := only(CountSocketDrops())
	if n, ok := before.Since(nil); n != 0 || !ok {
		t.Errorf("%d of a new socket, %v", n, ok)
	}
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			if c, err := net.DialTimeout("tcp", l.Addr().String(), 300*time.Millisecond); err == nil {
				defer c.Close()
			}
		})
	}
	clients.Wait()
	full := only(CountSocketDrops())
	if n, _ := full.Since(before); n < 6 {
		t.Errorf("%d were dropped", n)
	}
	if n, _ := only(CountSocketDrops()).Since(full); n != 0 {
		t.Errorf("%d since then", n)
	}
}

// Only listening TCP sockets are counted.
func TestOtherSocketsAreNotCounted(t *testing.T) {
	before := CountSocketDrops()
	l, err := net.Listen("unix", "@hotstart-test-drops")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if now := CountSocketDrops(); len(now) > len(before) {
		t.Errorf("got %v, before %v", now, before)
	}
}
