package proc

import "net/netip"

// A NetSocket is a socket that waits for connections, or for datagrams from any
// sender.
type NetSocket struct {
	Address  netip.AddrPort // of tcp and udp
	Path     string         // of unix, as it was bound; "@name" if it is abstract
	Datagram bool           // of unix
	Inode    uint64
}
