package sock

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

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

// Spaces match the same characters as \s in Perl. A host, with or without
// brackets, is an IPv6 address if it has colons, and otherwise a name or an IPv4
// address.
var portGrammar = regexp.MustCompile(strings.ReplaceAll(
	`^ (?:(?:\[ ([^\[\]]+?) \]|([^\[\]]*?)) : )?(u?)(\d+)(?: = (\d+))? $`, " ", `[\s\v]*`))

// maxFD is the highest descriptor number of a worker: Linux limits an unprivileged
// process to 1024 descriptors by default.
const maxFD = 1023

// ParsePort parses one port. A port without a host is every IPv4 address, as with
// start_server; see DualStack. Errors are of type *FormatError.
func ParsePort(s string) (Address, error) {
	wrong := func(format string, args ...any) (Address, error) {
		return Address{}, &FormatError{"port", s, fmt.Sprintf(format, args...)}
	}
	m := portGrammar.FindStringSubmatch(s)
	if m == nil || m[1] != "" && strings.Trim(m[1], " \t\n\f\r\v") == "" {
		return wrong("not a port")
	}
	host, udp, number, pin := m[1]+m[2], m[3] == "u", m[4], m[5]
	a := Address{Network: "tcp4", Host: host, FD: -1, Key: host + ":" + number}
	if udp {
		a.Network = "udp4"
	}
	var err error
	if a.Port, err = strconv.Atoi(number); err != nil || a.Port > 65535 {
		return wrong("%s is more than 65535", number)
	}
	if pin != "" {
		if a.FD, err = strconv.Atoi(pin); err != nil || a.FD > maxFD {
			return wrong("descriptor %s is more than %d", pin, maxFD)
		}
	}
	switch {
	case host == "":
		a.Key = number
	case strings.Contains(host, ":"):
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
			return wrong("%s is not an IPv6 address", host)
		}
		a.Network, a.Key = a.Network[:3]+"6", "["+host+"]:"+number
	case digitsAndDots.MatchString(host):
		if _, is := a.Literal(); !is {
			return wrong("%s is not an IPv4 address", host)
		}
	}
	return a, nil
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

// written returns a port in the syntax of ParsePort.
func (a Address) written() string {
	number := strconv.Itoa(a.Port)
	if a.Network[:3] == "udp" {
		number = "u" + number
	}
	switch {
	case a.Host == "":
		return number
	case strings.Contains(a.Host, ":"):
		return "[" + a.Host + "]:" + number
	}
	return a.Host + ":" + number
}

var digitsAndDots = regexp.MustCompile(`^[0-9.]+$`)

// Literal returns the IP address in Host, if Host is not a name.
func (a Address) Literal() (ip netip.Addr, is bool) {
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return ip, true
	}
	return parseIPv4(a.Host)
}

// parseIPv4 parses an IPv4 address in every form of inet_aton(3): one to four
// numbers, decimal, octal (010) or hexadecimal (0x8). The last number is for all
// remaining bytes.
func parseIPv4(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var all uint64
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		n, err := parseC(part)
		if err != nil || n >= 1<<bits {
			return netip.Addr{}, false
		}
		all = all<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(all >> 24), byte(all >> 16), byte(all >> 8), byte(all)}), true
}

// parseC parses a number as strtoul(3) does with base 0.
func parseC(s string) (uint64, error) {
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X"):
		return strconv.ParseUint(s[2:], 16, 64)
	case len(s) > 1 && s[0] == '0':
		return strconv.ParseUint(s[1:], 8, 64)
	}
	return strconv.ParseUint(s, 10, 64)
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
