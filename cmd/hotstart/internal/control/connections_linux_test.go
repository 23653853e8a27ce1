package control

import (
	"net"
	"os"
	"testing"
)

func TestConnectionsOfClients(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before, ok := Connections(os.Getpid())
	if !ok {
		t.Fatal("not shown")
	}
	for n := 1; n <= 3; n++ {
		c, err := net.Dial("tcp4", l.Addr().String()) // the end of a client does not count
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		if got, _ := Connections(os.Getpid()); got != before+n {
			t.Errorf("%d connections, want %d", got, before+n)
		}
	}
	if _, ok := Connections(1 << 30); ok {
		t.Error("a process that does not exist is shown")
	}
}
