package starter

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An Address is what one --port or --path stands for: the grammar is that of
// Perl's start_server, [host:][u]port[=fd].
type Address struct {
	Network string // tcp4, tcp6, udp4, udp6, unix; tcp and udp are dual stack
	Host    string // as written, without brackets; empty: every address
	Port    int    // 0 to 65535; 0: the kernel chooses
	Path    string // unix only
	FD      int    // the descriptor number the worker gets it at; -1: any
	Key     string // its name in SERVER_STARTER_PORT
	Scheme  string // what a worker said that it serves there: http, https, or tcp for anything else; "": nothing yet
}

// A FormatError is a port or a path that could not be read.
type FormatError struct {
	Kind    string // port or path
	Written string
	Reason  string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s %q: %s", e.Kind, e.Written, e.Reason)
}

// Hint shows what would be one.
func (e *FormatError) Hint() string {
	if e.Kind == "path" {
		return "a path is that of a unix socket, for example /tmp/api.sock"
	}
	return "a port is [host:][u]port[=fd], for example 8080, 127.0.0.1:8080, [::1]:8080, u53 or 80=3"
}

// A blank is what \s is in Perl. A host in brackets, or one that has colons, is
// an IPv6 address if it has colons, and else a name or an IPv4 address.
var portGrammar = regexp.MustCompile(strings.ReplaceAll(
	`^ (?:(?:\[ ([^\[\]]+?) \]|([^\[\]]*?)) : )?(u?)(\d+)(?: = (\d+))? $`, " ", `[\s\v]*`))

// maxFD bounds the descriptor number of a pin: Linux lets an unprivileged
// process have 1024 by default.
const maxFD = 1023

// ParsePort reads one port. A bare one is IPv4 on every address, as
// start_server has it; DualStack widens it. Errors are a *FormatError.
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
	case digitsAndDots.MatchString(host) && !a.isLiteral():
		return wrong("%s is not an IPv4 address", host)
	}
	return a, nil
}

// longestPath leaves room for the NUL that ends sun_path.
const longestPath = len(unix.RawSockaddrUnix{}.Path) - 1

// ambiguous is what a path must not have in it, or a worker would take it for two.
var ambiguous = regexp.MustCompile(`=\d+;`)

// ParsePath reads the path of a unix stream socket; on Linux, one that begins
// with @ is an abstract address (unix(7)). Errors are a *FormatError.
func ParsePath(s string) (Address, error) {
	switch {
	case s == "":
		return Address{}, &FormatError{"path", s, "empty"}
	case len(s) > longestPath:
		return Address{}, &FormatError{"path", s, fmt.Sprintf("longer than the %d bytes that a unix socket may have", longestPath)}
	case ambiguous.MatchString(s):
		return Address{}, &FormatError{"path", s, "an equals sign, a number and a semicolon end an entry of SERVER_STARTER_PORT"}
	}
	return Address{Network: "unix", Path: s, FD: -1, Key: s}, nil
}

// DualStack is a with IPv4 and IPv6 both, if it names no host: what ":8080"
// is in a Go program.
func (a Address) DualStack() Address {
	if a.Host == "" && (a.Network == "tcp4" || a.Network == "udp4") {
		a.Network = a.Network[:3]
	}
	return a
}

// String names the address as a person would: "port 8080" or its path.
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

// written is a port as ParsePort reads it.
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

// literal is the address that Host is, if it is not a name.
func (a Address) literal() (ip netip.Addr, is bool) {
	if ip, err := netip.ParseAddr(a.Host); err == nil {
		return ip, true
	}
	return parseIPv4(a.Host)
}

func (a Address) isLiteral() bool {
	_, is := a.literal()
	return is
}

// parseIPv4 reads an IPv4 address in every form of inet_aton(3): of one to
// four numbers, decimal, octal (010) or hexadecimal (0x8), the last is for all
// bytes that are left.
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

// parseC reads a number as strtoul(3) does with base 0.
func parseC(s string) (uint64, error) {
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X"):
		return strconv.ParseUint(s[2:], 16, 64)
	case len(s) > 1 && s[0] == '0':
		return strconv.ParseUint(s[1:], 8, 64)
	}
	return strconv.ParseUint(s, 10, 64)
}
