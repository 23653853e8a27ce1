package sock

import (
	"fmt"

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

// An InUseError is an address on which another process listens.
type InUseError struct {
	Address Address
	Holder  string // "pid 4711 (python3 -m http.server)", or "" if the process is not visible
}

func (e *InUseError) Error() string {
	line := fmt.Sprintf("%v is already in use", e.Address)
	if e.Holder != "" {
		line += " by " + e.Holder
	}
	return line
}

func (e *InUseError) Unwrap() error { return unix.EADDRINUSE }

// Hint suggests what to do.
func (e *InUseError) Hint() string {
	if e.Address.Network == "unix" {
		return "stop that server first, or choose another path"
	}
	return fmt.Sprintf("stop that server first, or choose another port: --port=%d", e.Address.Port+1)
}

// A PrivilegeError is a port that this user may not bind.
type PrivilegeError struct{ Address Address }

func (e *PrivilegeError) Error() string {
	return fmt.Sprintf("%v needs privilege: permission denied", e.Address)
}

func (e *PrivilegeError) Unwrap() error { return unix.EACCES }

// Hint suggests what to do.
func (e *PrivilegeError) Hint() string {
	return "choose a port from 1024 up, for example --port=8080, or run it with the capability CAP_NET_BIND_SERVICE"
}

// An UnusedSocketError is an inherited socket that matches no port or path.
// Nobody would accept its connections.
type UnusedSocketError struct{ Address Address }

func (e *UnusedSocketError) Error() string {
	return fmt.Sprintf("the inherited %s socket %v matches no --port or --path", e.Address.Network, e.Address)
}

// Hint suggests what to do.
func (e *UnusedSocketError) Hint() string {
	if e.Address.Network == "unix" {
		return "use it: --path=" + e.Address.Path
	}
	return "use it: --port=" + e.Address.written()
}
