package sock

import (
	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/wire"
)

// PortOwner describes the process that listens on an address: `pid 4711
// (python3 -m http.server)`. It returns "" if that process is not visible, such
// as a process of another user, or any process on systems other than Linux.
func PortOwner(a Address) string {
	if a.Network == "unix" {
		return proc.OwnerOf("unix", func(s proc.NetSocket) bool { return wire.SameUnix(s.Path, a.Path) })
	}
	return proc.OwnerOf(a.Network[:3], func(s proc.NetSocket) bool { return int(s.Address.Port()) == a.Port })
}
