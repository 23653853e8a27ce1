package worker

import (
	"net"
	"net/http"
	"os"
	"sync"
)

// program is this process as a worker. The environment, the inherited descriptors and the broker exist once in a
// process and can be taken once, and callers in different packages of a program need the same ones. Therefore one
// value is shared, which is made at first use and never replaced. Tests make their own.
var program = sync.OnceValue(func() *process {
	p := newProcess(os.LookupEnv, os.Getpid())
	os.Unsetenv(brokerVariable) // a child process would have another file at that descriptor
	return p
})

// Listen returns the inherited listening socket for address. If there is none, it listens as [net.Listen] does.
// network is tcp, tcp4, tcp6, unix or unixpacket, address as for net.Listen. Under hotstart, Listen gives hotstart a
// copy of a socket that it had to bind, and hotstart keeps the copy for later workers: the second generation inherits
// the socket without --port or --path. (Not with port 0: each generation gets a new port.)
//
// The result is a *[net.TCPListener] or *[net.UnixListener]. Closing an inherited one leaves the path of a unix
// socket where it is. Errors: those of net.Listen; a malformed SERVER_STARTER_PORT or LISTEN_FDS; an inherited
// descriptor that can't be used.
func Listen(network, address string) (net.Listener, error) {
	return program().listen(network, address)
}

// ListenPacket is [Listen] for UDP: network is udp, udp4 or udp6. It returns a *[net.UDPConn]. hotstart keeps
// only UDP sockets that it binds itself (--port=u53).
func ListenPacket(network, address string) (net.PacketConn, error) {
	return program().listenPacket(network, address)
}

// Serve serves HTTP on l as srv.Serve does, and calls [Ready] when it has begun. At SIGTERM, or when hotstart asks, it
// drains without losing a request (see the package documentation) and returns nil. It cuts off requests that are
// still busy after 30 seconds; see [Drain] for another limit. If Serve ends for another reason, it returns the error
// of srv.Serve: [http.ErrServerClosed] after srv.Shutdown or srv.Close.
//
// A program with several servers calls Serve for each: all drain at the same time, and each call returns when
// all have drained. The first call of Serve calls Ready, so call Listen for every socket before the first Serve.
//
// Serve wraps srv.Handler and srv.ConnState; the program must not change these afterwards. Serve catches SIGTERM
// only while it runs. Other handlers of SIGTERM are still notified, but should not call srv.Shutdown, because Serve
// calls it later.
//
// For TLS, HTTP/2 included, pass [crypto/tls.NewListener] of the listener, with "h2" and "http/1.1" in
// NextProtos of the configuration, and leave srv.TLSConfig nil.
func Serve(srv *http.Server, l net.Listener) error {
	return Drain{}.Serve(srv, l)
}

// Ready reports to the superdaemon that the program serves. It sends READY=1 to NOTIFY_SOCKET (sd_notify(3)) and ready
// to the broker, if available; without either it does nothing. [Serve] calls Ready. A program with a server of another
// kind calls it when it accepts. After the first success it does nothing.
func Ready() error {
	return program().ready()
}
