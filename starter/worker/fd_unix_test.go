//go:build unix

package worker

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
)

// Other workers share the open file description: it must become non-blocking for package net, and never blocking again.
func TestListenerKeepsNonblock(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		other, _ := rawSocket(t, network)
		if flags(t, other, syscall.F_GETFL)&syscall.O_NONBLOCK != 0 {
			t.Fatalf("%s: the socket of a superdaemon is to be in blocking mode at first", network)
		}
		for round := range 2 { // the first finds it blocking, the second non-blocking
			fd := dup(t, other)
			l, err := listener(fd)
			check(t, "making a listener", err)
			if flags(t, other, syscall.F_GETFL)&syscall.O_NONBLOCK == 0 {
				t.Errorf("%s, worker %d: the socket is in blocking mode", network, round)
			}
			if n := copies(t, other); n != 2 {
				t.Errorf("%s, worker %d: %d descriptors, want the superdaemon's and the listener's", network, round, n)
			}
			check(t, "closing", l.Close())
			if flags(t, other, syscall.F_GETFL)&syscall.O_NONBLOCK == 0 {
				t.Errorf("%s, worker %d: closing made the socket blocking", network, round)
			}
		}
	}
}

// copies counts the descriptors of this process for the socket fd.
func copies(t testing.TB, fd int) (n int) {
	t.Helper()
	var want, got syscall.Stat_t
	check(t, "looking at a socket", syscall.Fstat(fd, &want))
	for other := range 1024 {
		if syscall.Fstat(other, &got) == nil && got.Dev == want.Dev && got.Ino == want.Ino {
			n++
		}
	}
	return n
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	tcp4, address := rawSocket(t, "tcp")
	unix, path := rawSocket(t, "unix")
	dual := socket(t, syscall.AF_INET6, syscall.SOCK_STREAM)
	check(t, "setting", syscall.SetsockoptInt(dual, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0))
	only := socket(t, syscall.AF_INET6, syscall.SOCK_STREAM)
	check(t, "setting", syscall.SetsockoptInt(only, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1))
	tests := []struct {
		fd   int
		want endpoint
	}{
		{tcp4, tcp("tcp4", address)},
		{unix, endpoint{network: "unix", path: path}},
		{socket(t, syscall.AF_INET, syscall.SOCK_DGRAM), tcp("udp4", "0.0.0.0:0")},
		{dual, tcp("tcp", "[::]:0")},
		{only, tcp("tcp6", "[::]:0")},
		{socket(t, syscall.AF_UNIX, syscall.SOCK_DGRAM), endpoint{}},
	}
	for _, test := range tests {
		if got, err := describe(test.fd); err != nil || got != test.want {
			t.Errorf("got %v, %v; want %v", got, err, test.want)
		}
	}
	if got, err := describe(0x7fffffff); err == nil {
		t.Errorf("a closed descriptor is %v", got)
	}
}

func TestPlainComparesEqual(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"[::ffff:10.0.0.1]:1": "10.0.0.1:1", "[fe80::1%eth0]:1": "[fe80::1]:1", "[::]:1": "[::]:1"} {
		if got := plain(netip.MustParseAddrPort(in)).String(); got != want {
			t.Errorf("plain(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestIsClosed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, "listening", err)
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	check(t, "dialing", err)
	if isClosed(conn) || isClosed(wrapped{conn}) {
		t.Error("an open connection counts as closed")
	}
	conn.Close()
	if !isClosed(conn) || !isClosed(wrapped{conn}) {
		t.Error("a closed connection counts as open")
	}
}

func TestHasUnread(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	if hasUnread(b) || hasUnread(wrapped{b}) {
		t.Error("nothing was sent, and something is unread")
	}
	a.Write([]byte("x"))
	if !hasUnread(b) || !hasUnread(wrapped{b}) {
		t.Error("something was sent, and nothing is unread")
	}
	b.Read(make([]byte, 1))
	a.Close()
	if hasUnread(b) {
		t.Error("the end counts as something to read")
	}
	b.Close()
	if pipe, _ := net.Pipe(); hasUnread(b) || hasUnread(pipe) {
		t.Error("a closed connection, or one without a descriptor, has something to read")
	}
}

// wrapped is a wrapper of a connection with NetConn, like *tls.Conn.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }
