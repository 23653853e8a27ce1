package worker

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// endpoint is where a socket is bound.
type endpoint struct {
	network string         // tcp (IPv4 and IPv6), tcp4, tcp6, unix, unixpacket; udp, udp4, udp6; empty for any other kind of socket
	addr    netip.AddrPort // without zone; the zero value for unix
	path    string         // for unix
}

// question is an address that the program wants to listen on.
type question struct {
	network string // as for net.Listen
	written string // the address as the program wrote it
	endpoint
}

// ask resolves an address as net.Listen does. An address that says no host becomes the unspecified IPv6 address.
func ask(network, address string) (question, error) {
	q := question{network: network, written: address}
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

// plain returns an address in the one form in which addresses are compared.
func plain(a netip.AddrPort) netip.AddrPort {
	ip := a.Addr().Unmap().WithZone("")
	if !ip.IsValid() {
		ip = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(ip, a.Port())
}

// wildcard says whether q wants all addresses of this host.
func (q question) wildcard() bool { return q.addr.Addr().IsUnspecified() }

// The ranks of a socket for a question, the best last.
const (
	unfit      = iota
	samePort   // bound to all addresses, or known by its port alone
	sameSocket // bound to the address once resolved
	sameKey    // called so by the superdaemon
)

// rank tells how well an inherited socket, called key by the superdaemon and bound to e, serves q.
func rank(key string, e endpoint, q question) int {
	switch {
	case !fits(e.network, q.network):
		return unfit
	case q.addr.Port() != 0 && q.addr.Port() != e.addr.Port():
		return unfit // also if the key agrees: then the variable was meant for a parent of this process
	case key != "" && key == q.written:
		return sameKey
	case q.isUnix():
		return rankPath(key, e, q)
	case e.addr == q.addr:
		return sameSocket
	case q.wildcard() && key == strconv.Itoa(int(q.addr.Port())):
		return samePort
	case q.addr.Port() != 0 && e.addr.Addr().IsUnspecified():
		return samePort
	}
	return unfit
}

// rankPath is rank for unix sockets. A relative path is relative to the directory of the program, also in the
// superdaemon (--dir).
func rankPath(key string, e endpoint, q question) int {
	if samePath(key, q.path) || samePath(e.path, q.path) {
		return sameSocket
	}
	return unfit
}

// samePath says whether two unix addresses mean one socket, however they are written: the same name in the same
// directory, or links to the same file.
func samePath(a, b string) bool {
	switch {
	case a == "" || b == "":
		return false // a socket without a name, or a key that is not known
	case a == b:
		return true
	case isAbstract(a) || isAbstract(b):
		return false
	}
	dirA, nameA := splitPath(a)
	dirB, nameB := splitPath(b)
	return nameA == nameB && sameFile(dirA, dirB) || sameFile(a, b)
}

// isAbstract says whether a unix address is no path: unix(7).
func isAbstract(path string) bool {
	return runtime.GOOS == "linux" && strings.HasPrefix(path, "@")
}

// splitPath leaves .. as it is: after a link it is not what filepath.Dir takes it for.
func splitPath(path string) (dir, name string) {
	dir, name = filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	return dir, name
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func (q question) isUnix() bool { return strings.HasPrefix(q.network, "unix") }

// fits says whether a socket of the network have can be used as one of want: a socket for both families serves
// a program that asks for one, and one for a single family serves a program that doesn't care.
func fits(have, want string) bool {
	if have == want {
		return true
	}
	family := strings.TrimRight(want, "46")
	return family == strings.TrimRight(have, "46") && (have == family || want == family)
}

// name is what the broker calls a socket: NETWORK ADDRESS.
type name string

// maxPath keeps the line within the 512 bytes of the protocol. A socket with a longer path is not kept.
const maxPath = 256

// names returns the names under which the broker may keep a socket for q, best first; none for what it never keeps.
func (q question) names() []name {
	port := q.addr.Port()
	switch {
	case q.isUnix():
		return pathName(q.network, q.path)
	case port == 0:
		return nil // a new port each time: nobody could ask for the last one
	case !q.wildcard():
		return []name{nameOf(q.network, q.addr)}
	case q.network == "tcp6":
		return []name{nameOf("tcp6", q.addr)}
	}
	v4 := nameOf("tcp4", netip.AddrPortFrom(netip.IPv4Unspecified(), port))
	if q.network == "tcp4" {
		return []name{v4}
	}
	// Where there is no IPv6, Go binds 0.0.0.0 for tcp.
	return []name{nameOf("tcp", netip.AddrPortFrom(netip.IPv6Unspecified(), port)), v4}
}

// boundName returns the name of the socket that was bound for q at addr; ok is false if it can't be kept.
func (q question) boundName(addr net.Addr) (n name, ok bool) {
	if len(q.names()) == 0 {
		return "", false
	}
	if tcp, isTCP := addr.(*net.TCPAddr); isTCP {
		return nameOf(q.network, plain(tcp.AddrPort())), true
	}
	return q.names()[0], true
}

// pathName has the whole path: hotstart may run in another directory.
func pathName(network, path string) []name {
	if path != "" && !isAbstract(path) && !filepath.IsAbs(path) {
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

// nameOf names a TCP socket as getsockname(2) tells it: tcp only where one socket serves all addresses of both
// families.
func nameOf(network string, addr netip.AddrPort) name {
	switch {
	case addr.Addr().Is4():
		network = "tcp4"
	case !addr.Addr().IsUnspecified():
		network = "tcp6"
	}
	return name(fmt.Sprintf("%s %s", network, addr))
}
