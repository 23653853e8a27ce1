package starter

import "github.com/hotstart/hotstart/starter/internal/sock"

type (
	// An Address is the address of one port or path of the Options.
	//
	//	Network string // tcp4, tcp6, udp4, udp6, unix; tcp and udp are dual stack
	//	Host    string // as written, without brackets; "": every address
	//	Port    int    // 0 to 65535; 0: the kernel chooses a port
	//	Path    string // unix only
	//	FD      int    // descriptor number in the worker; -1: any
	//	Key     string // name in SERVER_STARTER_PORT
	//	Scheme  string // protocol that a worker has announced: http, https, or tcp for any other; "": not announced
	Address = sock.Address

	// A FormatError is a port or a path that could not be parsed. Its fields are
	// Kind (port or path), Written and Reason; its method Hint shows valid examples.
	FormatError = sock.FormatError

	// An AddressError is an address that can't be used: another process listens on
	// it (errors.Is syscall.EADDRINUSE), this user may not bind it (syscall.EACCES),
	// or it is that of an inherited socket that matches no port or path. Its field is
	// Address; its method Hint suggests what to do.
	AddressError = sock.AddressError
)

// ParsePort parses one of Options.Ports: [host:][u]port[=fd], the syntax of Perl's
// start_server. A port without a host is every IPv4 address. Errors are of type
// *FormatError.
func ParsePort(s string) (Address, error) { return sock.ParsePort(s) }

// ParsePath parses one of Options.Paths. On Linux, a path that begins with @ is an
// abstract address (unix(7)). Errors are of type *FormatError.
func ParsePath(s string) (Address, error) { return sock.ParsePath(s) }

// ActivationSockets returns the descriptors of the listening sockets that a service
// manager has passed to this process in LISTEN_FDS (sd_listen_fds(3)), for
// Options.Inherited, and unsets the variables. It returns none if the variables
// are for another process.
func ActivationSockets() ([]int, error) { return sock.Activated() }

// ParseOwner parses Options.SocketOwner: user, user:group or :group, by name or
// number. A missing user or group is -1, as for chown(2).
func ParseOwner(s string) (uid, gid int, err error) { return sock.ParseOwner(s) }

// PortOwner describes the process that listens on an address: `pid 4711
// (python3 -m http.server)`. It returns "" if that process is not visible, such
// as a process of another user, or any process on systems other than Linux.
func PortOwner(a Address) string { return sock.PortOwner(a) }
