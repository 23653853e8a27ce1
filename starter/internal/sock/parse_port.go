package sock

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

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
