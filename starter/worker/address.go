package worker

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hotstart/hotstart/starter/internal/wire"
)

// endpoint is the address that a socket is bound to.
type endpoint struct {
	network string         // tcp (IPv4 and IPv6), tcp4, tcp6, unix, unixpacket; udp, udp4, udp6; empty for any other kind of socket
	addr    netip.AddrPort // without zone; the zero value for unix
	path    string         // for unix
}

// target is an address on which the program wants to listen.
type target struct {
	network string // as for net.Listen
	written string // the address as the program wrote it
	endpoint
}

// resolve resolves an address as net.Listen does. An address without a host becomes the unspecified IPv6 address.
func resolve(network, address string) (target, error) {
	q := target{network: network, written: address}
	switch network {
	case "unix", "unixpacket":
		q.path = address
		return q, nil
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return q, net.UnknownNetworkError(network)
	}
	resolved, err := net.ResolveTCPAddr("tcp"+network[3:], address)
	if err != nil {
		return q, err
	}
	q.addr = plain(resolved.AddrPort())
	return q, nil
}

// plain returns an address in the form in which addresses are compared: without zone, IPv4 not mapped to IPv6.
func plain(a netip.AddrPort) netip.AddrPort {
	ip := a.Addr().Unmap().WithZone("")
	if !ip.IsValid() {
		ip = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(ip, a.Port())
}

// wildcard reports whether q stands for all addresses of this host.
func (q target) wildcard() bool { return q.addr.Addr().IsUnspecified() }

// How well an inherited socket matches a target, the best match last.
const (
	noMatch    = iota
	samePort   // the port is the same, and the socket is bound to all addresses or its key is the port
	sameSocket // the socket is bound to the resolved address
	sameKey    // the superdaemon's key is the address as written
)

// match returns how well an inherited socket, which the superdaemon calls key and which is bound to e, matches q.
func match(key string, e endpoint, q target) int {
	switch {
	case !fits(e.network, q.network):
		return noMatch
	case q.addr.Port() != 0 && q.addr.Port() != e.addr.Port():
		return noMatch // also with an equal key: then the variable is for a parent of this process
	case key != "" && key == q.written:
		return sameKey
	case q.isUnix():
		// A relative key is relative to the directory of the program, also in the superdaemon (--dir).
		if wire.SameUnix(key, q.path) || wire.SameUnix(e.path, q.path) {
			return sameSocket
		}
		return noMatch
	case e.addr == q.addr:
		return sameSocket
	case q.wildcard() && key == strconv.Itoa(int(q.addr.Port())):
		return samePort
	case q.addr.Port() != 0 && e.addr.Addr().IsUnspecified():
		return samePort
	}
	return noMatch
}

func (q target) isUnix() bool { return strings.HasPrefix(q.network, "unix") }

// fits reports whether a socket of the network have can be used for the network want: a socket for both IP families
// fits a single one, and a socket for a single family fits "tcp" and "udp".
func fits(have, want string) bool {
	if have == want {
		return true
	}
	family := strings.TrimRight(want, "46")
	return family == strings.TrimRight(have, "46") && (have == family || want == family)
}

// name is the name of a socket in the broker's protocol: NETWORK ADDRESS.
type name string

// maxPath keeps the line within the 512 bytes of the protocol. A socket with a longer path is not kept.
const maxPath = 256

// names returns the names under which hotstart may keep a socket for q, the best first. It returns no name for an
// address that hotstart never keeps.
func (q target) names() []name {
	port := q.addr.Port()
	switch {
	case q.isUnix():
		return pathName(q.network, q.path)
	case port == 0:
		return nil // a new port each time: no later worker could ask for this one
	case !q.wildcard():
		return []name{nameOf(q.network, q.addr)}
	case q.network == "tcp6":
		return []name{nameOf("tcp6", q.addr)}
	}
	v4 := nameOf("tcp4", netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	if q.network == "tcp4" {
		return []name{v4}
	}
	// Without IPv6, Go binds 0.0.0.0 for tcp.
	return []name{nameOf("tcp", netip.AddrPortFrom(netip.IPv6Unspecified(), port)), v4}
}

// boundName returns the name of the socket that was bound for q at addr; ok is false if hotstart can't keep it.
func (q target) boundName(addr net.Addr) (n name, ok bool) {
	if len(q.names()) == 0 {
		return "", false
	}
	if tcp, isTCP := addr.(*net.TCPAddr); isTCP {
		return nameOf(q.network, plain(tcp.AddrPort())), true
	}
	return q.names()[0], true
}

// pathName makes the path absolute: hotstart may run in another directory.
func pathName(network, path string) []name {
	if path != "" && !wire.IsAbstract(path) && !filepath.IsAbs(path) {
		dir, err := os.Getwd()
		if err != nil {
			return nil
		}
		path = dir + "/" + path
	}
	if path == "" || len(path) > maxPath || strings.ContainsAny(path, "\n\x00") {
		return nil
	}
	return []name{name(network + " " + path)}
}

// nameOf names a TCP socket by the address that getsockname(2) returns. The network is tcp only for a socket of all
// addresses of both families.
func nameOf(network string, addr netip.AddrPort) name {
	switch {
	case addr.Addr().Is4():
		network = "tcp4"
	case !addr.Addr().IsUnspecified():
		network = "tcp6"
	}
	return name(fmt.Sprintf("%s %s", network, addr))
}
