// Package starter is a superdaemon: it keeps listening sockets open and runs a
// server program on them, one worker process after the other, so that a reload
// never refuses a connection. A new worker takes over only when it is ready;
// then the old worker gets its stop signal.
//
// A Starter opens the sockets of its Options. Starter.Run starts a worker for
// each Starter.Reload and returns when it was stopped and the last worker has
// exited. Everything that happens is an Event for Options.Report. The package
// prints nothing, never exits and handles no signals of the process.
//
// A worker is, in this order, starting (its Readiness is checked), current (it
// serves), and old (it drains and gets its stop signal). A worker that is not
// ready in time or exits early leaves the current one serving.
//
// Workers find their sockets by the variables of Perl's Server::Starter
// (SERVER_STARTER_PORT), of systemd (LISTEN_FDS), and of package starter/worker
// (HOTSTART_FD). Package starter/daemon adds what start_server does besides: pid
// file, status file, log and background process.
package starter
