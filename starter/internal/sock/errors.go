package sock

import (
	"fmt"

	"github.com/hotstart/hotstart/starter/internal/proc"
	"github.com/hotstart/hotstart/starter/internal/wire"
	"golang.org/x/sys/unix"
)

// A FormatError is a port or a path that could not be parsed.
type FormatError struct {
	Kind    string // port or path
	Written string // the text
	Reason  string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s %q: %s", e.Kind, e.Written, e.Reason)
}

// Hint shows valid examples.
func (e *FormatError) Hint() string {
	if e.Kind == "path" {
		return "a path is that of a unix socket, for example /tmp/api.sock"
	}
	return "a port is [host:][u]port[=fd], for example 8080, 127.0.0.1:8080, [::1]:8080, u53 or 80=3"
}

// An AddressError is an address that can't be used: another process listens on it
// (EADDRINUSE), this user may not bind it (EACCES), or it is that of an inherited
// socket that matches no port or path.
type AddressError struct {
	Address       Address
	message, hint string
	cause         error
}

func (e *AddressError) Error() string { return e.message }

func (e *AddressError) Unwrap() error { return e.cause }

// Hint suggests what to do.
func (e *AddressError) Hint() string { return e.hint }

func inUse(a Address) error {
	message, hint := fmt.Sprintf("%v is already in use", a), "stop that server first, or choose another path"
	if holder := PortOwner(a); holder != "" {
		message += " by " + holder
	}
	if a.Network != "unix" {
		hint = fmt.Sprintf("stop that server first, or choose another port: --port=%d", a.Port+1)
	}
	return &AddressError{a, message, hint, unix.EADDRINUSE}
}

func forbidden(a Address) error {
	return &AddressError{
		a, fmt.Sprintf("%v needs privilege: permission denied", a),
		"choose a port from 1024 up, for example --port=8080, or run it with the capability CAP_NET_BIND_SERVICE", unix.EACCES,
	}
}

// unused is about an inherited socket whose connections nobody would accept.
func unused(a Address) error {
	hint := "use it: --path=" + a.Path
	if a.Network != "unix" {
		hint = "use it: --port=" + a.written()
	}
	return &AddressError{a, fmt.Sprintf("the inherited %s socket %v matches no --port or --path", a.Network, a), hint, nil}
}

// PortOwner describes the process that listens on an address: `pid 4711
// (python3 -m http.server)`. It returns "" if that process is not visible, such
// as a process of another user, or any process on systems other than Linux.
func PortOwner(a Address) string {
	if a.Network == "unix" {
		return proc.OwnerOf("unix", func(s proc.NetSocket) bool { return wire.SameUnix(s.Path, a.Path) })
	}
	return proc.OwnerOf(a.Network[:3], func(s proc.NetSocket) bool { return int(s.Address.Port()) == a.Port })
}
