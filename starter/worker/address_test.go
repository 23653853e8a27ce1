package worker

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// tcp is the endpoint of a TCP socket.
func tcp(network, addr string) endpoint {
	return endpoint{network: network, addr: netip.MustParseAddrPort(addr)}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	anyV4, both, onlyV6 := tcp("tcp4", "0.0.0.0:8080"), tcp("tcp", "[::]:8080"), tcp("tcp6", "[::]:8080")
	unixSocket := endpoint{network: "unix", path: "/tmp/a.sock"}
	tests := []struct {
		key              string
		bound            endpoint
		network, address string
		want             int
	}{
		{"8080", anyV4, "tcp", ":8080", samePort},
		{"8080", anyV4, "tcp", "0.0.0.0:8080", sameSocket},
		{"8080", anyV4, "tcp", "[::]:8080", samePort},
		{"8080", anyV4, "tcp4", ":8080", samePort},
		{"8080", anyV4, "tcp6", ":8080", noMatch},
		{"8080", anyV4, "tcp", "127.0.0.1:8080", samePort},
		{"8080", anyV4, "tcp", "localhost:8080", samePort},
		{"8080", anyV4, "tcp", ":8081", noMatch},
		{"8080", tcp("tcp4", "0.0.0.0:9090"), "tcp", ":8080", noMatch},
		{"8080", both, "tcp", ":8080", sameSocket},
		{"8080", both, "tcp4", "0.0.0.0:8080", samePort},
		{"8080", both, "tcp6", "[::]:8080", sameSocket},
		{"", both, "tcp", ":8080", sameSocket},
		{"", anyV4, "tcp", ":8080", samePort},
		{"[::]:8080", onlyV6, "tcp", "[::]:8080", sameKey},
		{"[::]:8080", onlyV6, "tcp4", ":8080", noMatch},
		{"localhost:8080", tcp("tcp4", "127.0.0.1:8080"), "tcp", "localhost:8080", sameKey},
		{"localhost:8080", tcp("tcp4", "127.0.0.1:8080"), "tcp", "127.0.0.1:8080", sameSocket},
		{"127.0.0.1:8080", tcp("tcp4", "127.0.0.1:8080"), "tcp", ":8080", noMatch},
		{"127.0.0.1:8080", tcp("tcp4", "127.0.0.1:8080"), "tcp", "127.0.0.2:8080", noMatch},
		{"0", tcp("tcp4", "0.0.0.0:45678"), "tcp", ":0", samePort},
		{"0", tcp("tcp4", "0.0.0.0:45678"), "tcp", "127.0.0.1:0", noMatch},
		{"127.0.0.1:0", tcp("tcp4", "127.0.0.1:45678"), "tcp", "127.0.0.1:0", sameKey},
		{"", tcp("tcp4", "0.0.0.0:45678"), "tcp", ":0", noMatch},
		{"80", tcp("tcp4", "0.0.0.0:80"), "tcp", ":http", samePort},
		{"53", tcp("udp4", "0.0.0.0:53"), "tcp", ":53", noMatch},
		{"53", tcp("udp4", "0.0.0.0:53"), "udp", ":53", samePort},
		{"/tmp/a.sock", unixSocket, "unix", "/tmp/a.sock", sameKey},
		{"/tmp/a.sock", unixSocket, "unix", "/tmp/../tmp/a.sock", sameSocket},
		{"", unixSocket, "unix", "/tmp/a.sock", sameSocket},
		{"/tmp/a.sock", unixSocket, "unix", "/tmp/b.sock", noMatch},
		{"@a", endpoint{network: "unix", path: "@a"}, "unix", "@a", sameKey},
		{"", endpoint{network: "unix"}, "unix", "", noMatch},
		{"8080", endpoint{}, "tcp", ":8080", noMatch},
	}
	for _, test := range tests {
		q, err := resolve(test.network, test.address)
		if err != nil {
			t.Errorf("%s %s: %v", test.network, test.address, err)
			continue
		}
		if got := match(test.key, test.bound, q); got != test.want {
			t.Errorf("%q at %v for %s %s: match %d, want %d", test.key, test.bound, test.network, test.address, got, test.want)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range [][2]string{{"ip", "127.0.0.1"}, {"", ":1"}, {"tcp", "8080"}, {"tcp", ":no such port"}, {"tcp4", "[::1]:80"}, {"unixgram", "/a"}} {
		if q, err := resolve(bad[0], bad[1]); err == nil {
			t.Errorf("resolve(%q, %q) = %v", bad[0], bad[1], q)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	dir, err := os.Getwd()
	check(t, "getting the working directory", err)
	tests := []struct {
		network, address string
		want             []name
	}{
		{"tcp", ":8080", []name{"tcp [::]:8080", "tcp4 0.0.0.0:8080"}},
		{"tcp", "0.0.0.0:8080", []name{"tcp [::]:8080", "tcp4 0.0.0.0:8080"}},
		{"tcp", "[::]:8080", []name{"tcp [::]:8080", "tcp4 0.0.0.0:8080"}},
		{"tcp4", ":8080", []name{"tcp4 0.0.0.0:8080"}},
		{"tcp6", ":8080", []name{"tcp6 [::]:8080"}},
		{"tcp", "127.0.0.1:9000", []name{"tcp4 127.0.0.1:9000"}},
		{"tcp", "[::1]:9000", []name{"tcp6 [::1]:9000"}},
		{"tcp", "[::ffff:127.0.0.1]:9000", []name{"tcp4 127.0.0.1:9000"}},
		{"tcp", ":0", nil},
		{"unix", "/tmp/a b.sock", []name{"unix /tmp/a b.sock"}},
		{"unixpacket", "/tmp/a.sock", []name{"unixpacket /tmp/a.sock"}},
		{"unix", "a.sock", []name{name("unix " + dir + "/a.sock")}},
		{"unix", "/tmp/a\nready", nil},
		{"unix", "", nil},
		{"unix", "/" + strings.Repeat("a", 512), nil},
	}
	for _, test := range tests {
		q, err := resolve(test.network, test.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.names(); !slices.Equal(got, test.want) {
			t.Errorf("%s %s: %q, want %q", test.network, test.address, got, test.want)
		}
	}
}

// The name of a kept socket must be one that the next generation asks for.
func TestBoundNameIsWanted(t *testing.T) {
	t.Parallel()
	for _, address := range [][2]string{{"tcp", "127.0.0.1:0"}, {"tcp", ":0"}, {"tcp4", ":0"}, {"unix", t.TempDir() + "/s"}, {"unixpacket", t.TempDir() + "/p"}} {
		l, err := net.Listen(address[0], address[1])
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		q, err := resolve(address[0], address[1])
		if err != nil {
			t.Fatal(err)
		}
		if tcpAddr, ok := l.Addr().(*net.TCPAddr); ok {
			q.addr = netip.AddrPortFrom(q.addr.Addr(), uint16(tcpAddr.Port))
		}
		if n, ok := q.boundName(l.Addr()); !ok || !slices.Contains(q.names(), n) {
			t.Errorf("%s %s is kept as %q (%v), asked for as %q", address[0], address[1], n, ok, q.names())
		}
	}
}
