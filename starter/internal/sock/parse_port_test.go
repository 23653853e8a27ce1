package sock

import (
	"errors"
	"strings"
	"testing"
)

func TestParsePort(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		port string
		want Address
	}{
		{"8080", Address{Network: "tcp4", Port: 8080, FD: -1, Key: "8080"}},
		{"0", Address{Network: "tcp4", FD: -1, Key: "0"}},
		{" 80 ", Address{Network: "tcp4", Port: 80, FD: -1, Key: "80"}},
		{"65535", Address{Network: "tcp4", Port: 65535, FD: -1, Key: "65535"}},
		{"127.0.0.1:9000", Address{Network: "tcp4", Host: "127.0.0.1", Port: 9000, FD: -1, Key: "127.0.0.1:9000"}},
		{"127.0.0.1 : 9000", Address{Network: "tcp4", Host: "127.0.0.1", Port: 9000, FD: -1, Key: "127.0.0.1:9000"}},
		{"localhost:80", Address{Network: "tcp4", Host: "localhost", Port: 80, FD: -1, Key: "localhost:80"}},
		{"a-b.example.org:80", Address{Network: "tcp4", Host: "a-b.example.org", Port: 80, FD: -1, Key: "a-b.example.org:80"}},
		{":8080", Address{Network: "tcp4", Port: 8080, FD: -1, Key: "8080"}},
		{"[::1]:8080", Address{Network: "tcp6", Host: "::1", Port: 8080, FD: -1, Key: "[::1]:8080"}},
		{"::1:8080", Address{Network: "tcp6", Host: "::1", Port: 8080, FD: -1, Key: "[::1]:8080"}},
		{"[ ::1 ] : 8080", Address{Network: "tcp6", Host: "::1", Port: 8080, FD: -1, Key: "[::1]:8080"}},
		{"[127.0.0.1]:u80=4", Address{Network: "udp4", Host: "127.0.0.1", Port: 80, FD: 4, Key: "127.0.0.1:80"}},
		{"[localhost]:80", Address{Network: "tcp4", Host: "localhost", Port: 80, FD: -1, Key: "localhost:80"}},
		{"127.1:80", Address{Network: "tcp4", Host: "127.1", Port: 80, FD: -1, Key: "127.1:80"}},
		{"[::]:8080", Address{Network: "tcp6", Host: "::", Port: 8080, FD: -1, Key: "[::]:8080"}},
		{"[fe80::1%eth0]:80", Address{Network: "tcp6", Host: "fe80::1%eth0", Port: 80, FD: -1, Key: "[fe80::1%eth0]:80"}},
		{"u53", Address{Network: "udp4", Port: 53, FD: -1, Key: "53"}},
		{"127.0.0.1:u53", Address{Network: "udp4", Host: "127.0.0.1", Port: 53, FD: -1, Key: "127.0.0.1:53"}},
		{"[::1]:u53", Address{Network: "udp6", Host: "::1", Port: 53, FD: -1, Key: "[::1]:53"}},
		{"80=3", Address{Network: "tcp4", Port: 80, FD: 3, Key: "80"}},
		{"80=0", Address{Network: "tcp4", Port: 80, FD: 0, Key: "80"}},
		{"80 = 1023", Address{Network: "tcp4", Port: 80, FD: 1023, Key: "80"}},
		{"[::1]:u53=7", Address{Network: "udp6", Host: "::1", Port: 53, FD: 7, Key: "[::1]:53"}},
	} {
		if got, err := ParsePort(test.port); err != nil || got != test.want {
			t.Errorf("parsePort(%q) = %+v, %v\nwant %+v", test.port, got, err, test.want)
		}
	}
}

func TestParsePortRefuses(t *testing.T) {
	t.Parallel()
	for port, reason := range map[string]string{
		"":                          "not a port",
		"http":                      "not a port",
		"-1":                        "not a port",
		"8080x":                     "not a port",
		"1:2:8080":                  "1:2 is not an IPv6 address",
		"[::1]8080":                 "not a port",
		"[]:80":                     "not a port",
		"[ ]:80":                    "not a port",
		"80=":                       "not a port",
		"80=x":                      "not a port",
		"65536":                     "65536 is more than 65535",
		"99999999999999999999":      "99999999999999999999 is more than 65535",
		"80=1024":                   "descriptor 1024 is more than 1023",
		"80=99999999999999999999":   "descriptor 99999999999999999999 is more than 1023",
		"256.0.0.1:80":              "256.0.0.1 is not an IPv4 address",
		"127.0.0.08:80":             "127.0.0.08 is not an IPv4 address",
		"127.0.0.1:http":            "not a port",
		"unix:/tmp/sock":            "not a port",
		"8080=3=4":                  "not a port",
		strings.Repeat("9", 100000): strings.Repeat("9", 100000) + " is more than 65535",
	} {
		_, err := ParsePort(port)
		var wrong *FormatError
		if !errors.As(err, &wrong) || wrong.Written != port || wrong.Reason != reason || wrong.Hint() == "" {
			t.Errorf("parsePort(%.30q): %.100v, want %.100s", port, err, reason)
		}
	}
}

func FuzzParsePort(f *testing.F) {
	for _, port := range []string{"8080", "host:u53=4", "[::1]:80", "[fe80::1%1]:0=0", " 1 : 2 ", "a:b", "80=1024", ":u1"} {
		f.Add(port)
	}
	f.Fuzz(func(t *testing.T, port string) {
		a, err := ParsePort(port)
		if err != nil {
			if a != (Address{}) || !errors.As(err, new(*FormatError)) {
				t.Errorf("%+v, %v", a, err)
			}
			return
		}
		if a.Port < 0 || a.Port > 65535 || a.FD < -1 || a.FD > maxFD || a.Path != "" {
			t.Errorf("%+v", a)
		}
		// Parsing a key returns the same address.
		again, err := ParsePort(a.Key)
		if err != nil || again.Host != a.Host || again.Port != a.Port || again.Key != a.Key {
			t.Errorf("%q has the key %q, which is %+v, %v", port, a.Key, again, err)
		}
	})
}
