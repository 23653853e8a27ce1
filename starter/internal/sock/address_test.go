package sock

import (
	"strings"
	"testing"
)

func TestDualStack(t *testing.T) {
	t.Parallel()
	for port, want := range map[string]string{
		"80": "tcp", "u80": "udp", "127.0.0.1:80": "tcp4", "[::]:80": "tcp6", "[::1]:u80": "udp6", "0.0.0.0:80": "tcp4",
	} {
		a, err := ParsePort(port)
		if got := a.DualStack().Network; err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", port, got, err, want)
		}
	}
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	if a, err := ParsePath("/tmp/a b"); err != nil || a != (Address{Network: "unix", Path: "/tmp/a b", FD: -1, Key: "/tmp/a b"}) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, path := range []string{strings.Repeat("x", LongestPath), "/a=3", "/a;b", "/a=;"} {
		if a, err := ParsePath(path); err != nil || a.Path != path {
			t.Errorf("%+v, %v", a, err)
		}
	}
	for _, path := range []string{"", strings.Repeat("x", LongestPath+1), "/a=3;/b"} {
		if _, err := ParsePath(path); err == nil {
			t.Errorf("%q was taken", path)
		}
	}
}

func TestAddressString(t *testing.T) {
	t.Parallel()
	for port, want := range map[string]string{"8080": "port 8080", "u53": "port 53", "[::1]:80": "[::1]:80", "localhost:80": "localhost:80"} {
		if a, _ := ParsePort(port); a.String() != want {
			t.Errorf("%s is called %q, want %q", port, a, want)
		}
	}
}
