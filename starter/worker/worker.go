package worker

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
)

// ErrNone is what [Ports] returns if no superdaemon started the program: SERVER_STARTER_PORT is not set.
var ErrNone = errors.New("reading SERVER_STARTER_PORT: it is not set, no superdaemon started this program")

// program is this process as a worker. Its environment, its inherited descriptors and its broker exist once in
// a process and can be taken once, and callers in different packages of a program must meet the same; so one
// value is shared, made at first use and never replaced. Everything is a method of process, and tests make
// their own.
var program = sync.OnceValue(func() *process {
	p := newProcess(os.LookupEnv, os.Getpid())
	os.Unsetenv(brokerVariable) // the descriptor is taken; a child that has the variable would find something else there
	return p
})

// Listen returns the inherited listening socket for address, or, if there is none, what [net.Listen] returns.
// network is tcp, tcp4, tcp6, unix or unixpacket, address as for net.Listen. Under hotstart a socket that Listen had to
// bind is given to hotstart, which keeps it for the workers to come: so it is inherited from the second
// generation on, with no --port or --path. (Not one of port 0: it has a new port each time.)
//
// The result is a *[net.TCPListener] or *[net.UnixListener]. Closing an inherited one leaves the path of a unix
// socket where it is. Errors: those of net.Listen; a malformed SERVER_STARTER_PORT or LISTEN_FDS; an inherited
// descriptor that can't be used.
func Listen(network, address string) (net.Listener, error) {
	return program().listen(network, address)
}

// ListenPacket is [Listen] for UDP: network is udp, udp4 or udp6. It returns a *[net.UDPConn]. hotstart keeps
// no UDP socket that it did not bind itself (--port=u53).
func ListenPacket(network, address string) (net.PacketConn, error) {
	return program().listenPacket(network, address)
}

// Serve serves HTTP on l as srv.Serve does, says [Ready] when it has begun, and at SIGTERM or when hotstart
// asks, drains without losing a request (see the package documentation) and returns nil. Requests still busy
// after 30 seconds are cut off; see [Drain] for another limit. Serve returns an error as srv.Serve does only if
// it ends for another reason, [http.ErrServerClosed] if that was srv.Shutdown or srv.Close.
//
// A program with several servers calls Serve for each: all drain at the same time, and each call returns when
// all have. The first one says Ready, so every Listen belongs before the first Serve.
//
// Serve puts itself before srv.Handler and srv.ConnState; the program must not change these afterwards. SIGTERM
// is caught only while Serve runs; other handlers of it are still notified, but should not call srv.Shutdown,
// since Serve does that in its time.
//
// For TLS, HTTP/2 included, give it [crypto/tls.NewListener] of the listener, with "h2" and "http/1.1" in
// NextProtos of the configuration, and leave srv.TLSConfig nil.
func Serve(srv *http.Server, l net.Listener) error {
	return Drain{}.Serve(srv, l)
}

// Ready tells the superdaemon that the program serves: READY=1 on NOTIFY_SOCKET (sd_notify(3)) and ready on the
// broker, if available; without either it is a no-op. [Serve] calls it; a program with a server of another kind calls
// it once it accepts. After the first success it does nothing.
func Ready() error {
	return program().ready()
}

// Ports returns what Server::Starter's server_ports returns: from each address, as it was given to --port or
// --path, to its descriptor. Of a TCP and a UDP socket at the same address it has the last one. The descriptors
// that [Listen] has handed out are closed. Errors: [ErrNone], or that SERVER_STARTER_PORT is malformed.
func Ports() (map[string]int, error) {
	return program().ports()
}

// Generation returns how many workers the superdaemon has started, this one included
// (SERVER_STARTER_GENERATION): 1 or more; 0 if there is no superdaemon that counts.
func Generation() int {
	return program().generation()
}
