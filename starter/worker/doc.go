// Package worker is what a server program imports to be replaced without losing a request.
//
// A superdaemon (hotstart, Perl's start_server, systemd) holds the listening sockets; the program is one
// worker, one of many generations that serve them in turn. Two lines make a program a good worker:
//
//	l, err := worker.Listen("tcp", ":8080")  // the inherited socket, if there is one
//	err = worker.Serve(&http.Server{Handler: h}, l)  // says that it serves; drains when told to end; then returns nil
//
// Under no superdaemon they are [net.Listen] and [http.Server.Serve], with a shutdown at SIGTERM.
// The package needs the standard library alone, prints nothing, and starts nothing before it is called.
//
// # How a worker is given its sockets
//
// Listen looks in all of these, in this order:
//
//   - SERVER_STARTER_PORT, "8080=3;127.0.0.1:9000=4;/tmp/a.sock=5", each an address, an equals sign, a descriptor
//     (hotstart, Server::Starter);
//   - LISTEN_FDS, a number of descriptors from 3 on, believed only if LISTEN_PID is the pid of this process
//     (hotstart, systemd: sd_listen_fds(3));
//   - HOTSTART_FD, a socket on which hotstart answers, the broker.
//
// An inherited socket serves an address in this order: the key is the address as written; both mean the same
// address once resolved; the key is the bare port, or the socket is bound to all addresses, and the port is the
// same. Each is handed out once. On the first call all of them are made close-on-exec, so that the children of
// the program hold none, and HOTSTART_FD leaves the environment, since its descriptor would mean nothing to a
// child.
//
// # The broker
//
// The broker is one end of a unix stream socketpair, private to one worker. Version 1 of its protocol: lines of
// text, at most 512 bytes with the LF that ends them, words separated by one space. Descriptors travel by
// SCM_RIGHTS, in the sendmsg(2) that carries their line: a keep and a socket carry exactly one, no other line
// carries any. The receiver queues them, takes them first in, first out, and closes what is left over.
//
//	worker    takes paths              before it says anything else, and by itself no greeting: a unix path that
//	                                   exists is not in my way, so that one that I remove can be put back at once
//	worker    hello 1                  first of all else. It means too: I understand drain, and will say drained
//	worker    want NETWORK ADDRESS     do you keep a listening socket for this address?
//	hotstart  socket                   here it is (and a descriptor)
//	hotstart  overlap                  no, but one of an address that overlaps, as [::]:80 and 127.0.0.1:80 do: SO_REUSEPORT is needed
//	hotstart  none                     no. Answers come in the order of the questions
//	worker    keep NETWORK ADDRESS     I bound this one: keep it for the generations to come (and a descriptor). No answer
//	worker    drop INODE               I have closed this socket, and go on: keep it no more for me. Answered by none
//	worker    accepts INODE [SCHEME]   I accept on this socket now. A worker that never says so accepts on all that it wanted or gave.
//	                                   SCHEME is http or https, or tcp if I serve something else there
//	worker    ready                    I serve something; hotstart knows which addresses have to follow
//	hotstart  drain                    serve nothing new, finish what you have
//	hotstart  last                     before or after drain: no worker follows, so do not wait for connections that only stream
//	worker    drained                  nothing is open, nothing in flight
//
// NETWORK is tcp (all addresses, IPv4 and IPv6), tcp4, tcp6, unix or unixpacket. ADDRESS is what getsockname(2) tells of
// the socket: a numeric host and port ("[::]:8080", "127.0.0.1:9000"), or a path, which may hold spaces and begins with the
// working directory if the socket's does not begin with a slash, or an abstract address of Linux ("@name"). With a socket for
// a path, hotstart has put it back there if it was removed, or if a socket is there that nobody listens on. It removes the
// path of a socket that it was given, in the end. A want for port 0 of a
// host asks for a socket whose port the kernel chose for a generation before; after a none, the next keep of that host is one. It may carry a third word, SITE.N: the place in the
// program that asks, the same in each generation, and which of the goroutines that have been there; where there are
// several, their sockets are not kept. A
// socket of tcp is named so only if it is bound to all addresses of both families; of tcp6 if it serves IPv6
// alone or is bound to one address. INODE is the number that fstat(2) tells of the
// socket that was wanted or kept. A drop counts only from a worker that has not been told to leave; one that dies keeps
// its sockets for the next. The end of the stream means to a worker that hotstart died: it goes on as
// if alone. Each side ignores lines it doesn't know, so that a later version can add some.
//
// # Draining
//
// [http.Server.Shutdown] closes a connection unanswered if its request is read after Shutdown began
// (golang/go#75591), and a connection whose last answer promised keep-alive may be closed under the next request.
// So Serve, told to drain by the broker or by SIGTERM,
//
//  1. closes its copy of the listening socket: the superdaemon and the next worker hold the same socket, and what
//     waits in its queue is theirs. What was accepted in that instant is served;
//  2. lets every answer that begins from now on carry "Connection: close" (HTTP/2 sends GOAWAY for it), so that each client
//     comes back once at most, and then to the new worker. Connections that the handler takes over for HTTP/2 without
//     TLS (golang.org/x/net/http2/h2c) get GOAWAY too, which leaves their clients all requests that they have sent;
//  3. waits until nothing is in flight: until every connection has been idle for a second, or, if it never sent a
//     request, has been open for five, counted from the beginning of the drain, and no part of a request has come; 30
//     seconds at most, see [Drain];
//  4. calls [http.Server.Shutdown] for what is left, by then idle connections only, which also runs the functions
//     of [http.Server.RegisterOnShutdown]; closes those of h2c once no request is under way on them; and waits until the
//     program has closed the other connections that it hijacked;
//  5. says drained, waits for the signal that hotstart sends then, and returns nil.
//
// What no server can help: a client of HTTP/1.1 that pauses for more than a second between two requests may
// send the next in the instant in which its connection is closed as idle. A client of HTTP/2 that begins a
// request in the instant in which it is sent GOAWAY is told that the request was not processed, and has to
// repeat it; Go's does if it has the body.
package worker
