// Package worker lets a server program be replaced without losing a request.
//
// A superdaemon (hotstart, Perl's start_server, systemd) holds the listening sockets. The program is one
// worker, one of many generations that serve them in turn. Two lines make a program a worker:
//
//	l, err := worker.Listen("tcp", ":8080")  // the inherited socket, or a new one
//	err = worker.Serve(&http.Server{Handler: h}, l)  // reports ready; drains when asked to stop; then returns nil
//
// Without a superdaemon they are [net.Listen] and [http.Server.Serve], with a shutdown at SIGTERM.
// The package imports the standard library alone, prints nothing, and starts no goroutine before it is called.
//
// # How a worker gets its sockets
//
// Listen looks in these environment variables, in this order:
//
//   - SERVER_STARTER_PORT, for example "8080=3;127.0.0.1:9000=4;/tmp/a.sock=5": pairs of an address and a descriptor
//     (hotstart, Server::Starter);
//   - LISTEN_FDS, the number of descriptors from 3 on, valid only if LISTEN_PID is the pid of this process
//     (hotstart, systemd: sd_listen_fds(3));
//   - HOTSTART_FD, a socket on which hotstart answers, the broker.
//
// Listen returns the inherited socket that matches an address best. The best match is a key that is equal to the
// address as written. Then comes a socket with the same resolved address. Then comes a socket with the same port whose
// key is the port alone, or which is bound to all addresses. Listen returns each socket once. The first call makes all
// inherited sockets close-on-exec, so that child processes do not hold them. It also removes HOTSTART_FD from the
// environment, because a child has another file at that descriptor.
//
// # The broker
//
// The broker is one end of a unix stream socketpair, private to one worker. Version 1 of its protocol: lines of
// text of at most 512 bytes, LF included, with words separated by one space. Descriptors travel by SCM_RIGHTS, in the
// sendmsg(2) of their line: keep and socket carry exactly one descriptor, the other lines none. The receiver queues
// descriptors, takes them first in, first out, and closes descriptors that belong to no line. A longer line or more
// than 16 queued descriptors end the connection.
//
//	worker    takes paths              optional, before hello, and not a hello. I can listen on a unix path that exists: if I
//	                                   remove a path, hotstart may restore it immediately
//	worker    hello 1                  before all other lines. I understand drain, and will send drained
//	worker    want NETWORK ADDRESS     asks for a listening socket that hotstart keeps. Answers come in the order of the questions
//	hotstart  socket                   the socket (and a descriptor)
//	hotstart  overlap                  no socket, but one of an overlapping address, for example [::]:80 and 127.0.0.1:80: set SO_REUSEPORT
//	hotstart  none                     no socket
//	worker    keep NETWORK ADDRESS     I bound this socket: keep it for later generations (and a descriptor). No answer
//	worker    drop INODE               I closed this socket, but keep running: keep it no longer. The answer is none
//	worker    accepts INODE [SCHEME]   I accept on this socket. A worker that never sends it accepts on all sockets that it wanted or gave.
//	                                   SCHEME is http or https, or tcp for another protocol
//	worker    ready                    I serve. hotstart waits for the other addresses that the previous worker served
//	hotstart  drain                    accept no more connections, and finish the open ones
//	hotstart  last                     before or after drain: no worker follows, so do not wait for connections that only stream
//	hotstart  hold MILLISECONDS        newer code may soon be served: accept no connection until release or drain, but let no
//	                                   client wait longer than that. A worker may ignore it. It may come before hello
//	worker    holding                  I let clients wait, as hold asks
//	hotstart  release                  accept connections as before
//	worker    stopped                  I drain, and accept no connection of a kept socket any more
//	worker    drained                  no connection is open
//
// NETWORK is tcp, tcp4, tcp6, unix or unixpacket. tcp is a socket of all addresses of IPv4 and IPv6. tcp6 is a socket of
// IPv6 alone, or of one IPv6 address. ADDRESS is the address that getsockname(2) returns: a numeric host and port
// ("[::]:8080", "127.0.0.1:9000"), an absolute path, which may contain spaces, or an abstract address of Linux
// ("@name"). A worker puts the working directory before a relative path.
//
// Before hotstart answers with a socket of a path, it restores the path if the path was removed, or if a socket is there
// on which nobody listens. When hotstart exits, it removes the path of a socket that it was given.
//
// A want for port 0 asks for a socket whose port the kernel chose in an earlier generation. After none, the next keep of
// that host is such a socket. The want may have a third word, SITE.N: SITE is the call site in the program, the same
// in each generation; N is the index of the goroutine among those that have asked there. hotstart does not keep the
// sockets of a site where several goroutines have asked.
//
// INODE is the inode number that fstat(2) returns for a socket that was wanted or kept. hotstart ignores a drop after it
// has sent drain. If a worker dies, hotstart keeps its sockets for the next one. When the stream ends, hotstart has
// died: the worker keeps running as if started alone. Both ends ignore unknown lines, so that a later version can add
// lines.
//
// # Draining
//
// [http.Server.Shutdown] closes a connection unanswered if its request is read after Shutdown began
// (golang/go#75591), and a connection whose last answer promised keep-alive may be closed under the next request.
// So at drain from the broker, or at SIGTERM, Serve
//
//  1. closes its copy of the listening socket. The superdaemon and the next worker hold the same socket, and serve the
//     connections in its queue. Serve still serves a connection that was accepted at that moment;
//  2. adds "Connection: close" to every answer that begins from now on (HTTP/2 sends GOAWAY for it), so that each client
//     sends at most one more request before it connects to the new worker. Connections that the handler hijacks for
//     HTTP/2 without TLS (golang.org/x/net/http2/h2c) get GOAWAY too; requests that were sent are still answered;
//  3. waits until nothing is in flight: until no part of a request waits, and every connection has been idle for one
//     second, or for five seconds if it never sent a request, counted from the beginning of the drain; 30 seconds at
//     most, see [Drain];
//  4. calls [http.Server.Shutdown] for the rest, which is idle by then. Shutdown also runs the functions
//     of [http.Server.RegisterOnShutdown]. Then Serve closes the connections of h2c without a request in flight, and
//     waits until the program has closed its other hijacked connections;
//  5. sends drained, waits for the signal that hotstart then sends, and returns nil.
//
// No server can prevent this: a client of HTTP/1.1 that pauses for more than a second between two requests may
// send the next one at the moment when its connection is closed as idle. A client of HTTP/2 that begins a
// request at the moment when GOAWAY is sent learns that the request was not processed, and has to
// repeat it; Go's client does that if it has the body.
package worker
