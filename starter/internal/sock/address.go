package sock

import (
	"fmt"
	"regexp"

	"golang.org/x/sys/unix"
)

// An Address is the address of one --port or --path. The syntax of a port is that
// of Perl's start_server: [host:][u]port[=fd].
type Address struct {
	Network string // tcp4, tcp6, udp4, udp6, unix; tcp and udp are dual stack
	Host    string // as written, without brackets; "": every address
	Port    int    // 0 to 65535; 0: the kernel chooses a port
	Path    string // unix only
	FD      int    // descriptor number in the worker; -1: any
	Key     string // name in SERVER_STARTER_PORT
	Scheme  string // protocol that a worker has announced: http, https, or tcp for any other; "": not announced
}

// LongestPath is the maximum length of a path. It leaves room for the NUL that
// ends sun_path.
const LongestPath = len(unix.RawSockaddrUnix{}.Path) - 1

// ambiguous matches what a path must not contain: a worker would read the path as
// two entries of SERVER_STARTER_PORT.
var ambiguous = regexp.MustCompile(`=\d+;`)

// ParsePath parses the path of a unix stream socket. On Linux, a path that begins
// with @ is an abstract address (unix(7)). Errors are of type *FormatError.
func ParsePath(s string) (Address, error) {
	switch {
	case s == "":
		return Address{}, &FormatError{"path", s, "empty"}
	case len(s) > LongestPath:
		return Address{}, &FormatError{"path", s, fmt.Sprintf("longer than the %d bytes that a unix socket may have", LongestPath)}
	case ambiguous.MatchString(s):
		return Address{}, &FormatError{"path", s, "an equals sign, a number and a semicolon end an entry of SERVER_STARTER_PORT"}
	}
	return Address{Network: "unix", Path: s, FD: -1, Key: s}, nil
}

// DualStack returns a with both IPv4 and IPv6 if it has no host, like ":8080" in a
// Go program.
func (a Address) DualStack() Address {
	if a.Host == "" && (a.Network == "tcp4" || a.Network == "udp4") {
		a.Network = a.Network[:3]
	}
	return a
}

// String returns "port 8080", "127.0.0.1:8080" or a path.
func (a Address) String() string {
	switch {
	case isUnix(a.Network):
		return a.Path
	case a.Host == "":
		return fmt.Sprintf("port %d", a.Port)
	default:
		return a.Key
	}
}

// ParseAll parses every port and path.
func ParseAll(ports, paths []string, dualStack bool) ([]Address, error) {
	var all []Address
	pins := map[int]string{}
	given := map[string]bool{}
	for _, port := range ports {
		a, err := ParsePort(port)
		if err != nil {
			return nil, err
		}
		if dualStack {
			a = a.DualStack()
		}
		if a.FD >= 0 {
			if earlier, taken := pins[a.FD]; taken {
				return nil, &FormatError{"port", port, fmt.Sprintf("descriptor %d is that of port %q", a.FD, earlier)}
			}
			pins[a.FD] = port
		}
		name := a.Network + " " + a.Key
		if given[name] && a.Port != 0 {
			return nil, &FormatError{"port", port, "given twice"}
		}
		given[name] = true
		all = append(all, a)
	}
	for _, path := range paths {
		a, err := ParsePath(path)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}
