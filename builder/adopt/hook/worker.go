package hook

import (
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// hotstartWorker is this process as hotstart knows it.
type hotstartWorker struct {
	brokerFD int             // its number; the socket is ours
	hello    sync.Once       // connects, at the first sign that the program is a server
	broker   *hotstartClient // nil before, and if the socket can't be opened

	draining atomic.Bool // from drain on
	last     atomic.Bool // no worker follows
	stopping sync.Once

	mu        sync.Mutex
	listeners map[int]string       // addresses by descriptor, of the listening sockets that hotstart keeps
	kept      map[uint64]bool      // inodes of the sockets that hotstart keeps and this process has had
	paths     map[int]hotstartPath // unix sockets that are about to be bound, by descriptor
	ready     bool                 // said

	children hotstartChildren
	answer   int // where a child tells its parent; 0: this is none, or it has drained; guarded by mu

	unixAddress func() *net.UnixAddr // of the socket that package net makes now; nil: it can't be known

	servers []hotstartServer // guarded by mu
	sweepAt int              // how many of them call for a sweep; guarded by mu
	born    time.Time        // has the monotonic clock, which nobody sets
	busyAt  atomic.Int64     // when a request ended while draining, in ns since born
}

// hotstartServer is a server of a kind that this code knows.
type hotstartServer interface {
	drain()     // tells clients to go
	closeIdle() // closes connections that have waited for a next request
}

// hotstartHere is nil where hotstart has not started the program. It is made
// before every other variable of package main, which may listen already.
var hotstartHere = hotstartInstall()

// hotstartInstall takes the broker, and hooks into package net. A variable
// that a parent of this process has left behind names no such socket.
func hotstartInstall() *hotstartWorker {
	value, ok := os.LookupEnv("HOTSTART_FD")
	if !ok {
		return hotstartFollowParent()
	}
	os.Unsetenv("HOTSTART_FD") // children of the program have no broker
	fd, err := strconv.Atoi(value)
	if err != nil || !hotstartIsPair(fd) {
		return nil
	}
	syscall.CloseOnExec(fd)
	w := hotstartNewWorker()
	w.brokerFD = fd
	w.keepFromChildren()
	w.lead()
	w.hook()
	return w
}

func hotstartNewWorker() *hotstartWorker {
	return &hotstartWorker{
		listeners: make(map[int]string),
		kept:      make(map[uint64]bool),
		paths:     make(map[int]hotstartPath),
		born:      time.Now(),
	}
}

// hook puts w before what the standard library calls.
func (w *hotstartWorker) hook() {
	socket, listen := hotstartSocketFunc, hotstartListenFunc
	if socket == nil || listen == nil || hotstartCloseFunc == nil {
		return // this program has no package net
	}
	hotstartSocketFunc = func(family, kind, proto int) (int, error) {
		fd, err := socket(family, kind, proto)
		if err == nil {
			hotstartPrepare(fd, family, kind)
			w.prepareUnix(fd, family, kind)
		}
		return fd, err
	}
	hotstartListenFunc = func(fd, backlog int) error { return w.listen(fd, backlog, listen) }
	w.hookConns()
}

// hookConns has w told of what is accepted, and closed.
func (w *hotstartWorker) hookConns() {
	closes := hotstartCloseFunc
	if closes == nil {
		return
	}
	hotstartCloseFunc = func(fd int) error {
		w.forget(fd)
		return closes(fd)
	}
	w.hookAccept()
}

// keepFromChildren makes inherited sockets close-on-exec, which
// package os would only do for those that it opened.
func (w *hotstartWorker) keepFromChildren() {
	var fds []string
	for _, port := range strings.Split(os.Getenv("SERVER_STARTER_PORT"), ";") {
		fds = append(fds, port[strings.LastIndexByte(port, '=')+1:])
	}
	if os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
		for i := 0; i < n && i < 1024; i++ {
			fds = append(fds, strconv.Itoa(3+i))
		}
	}
	for _, number := range fds {
		if fd, err := strconv.Atoi(number); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
			w.kept[hotstartInode(fd)] = true
		}
	}
}

// hotstartScheme tells from its callers what accepts: http or https, if that is a server of
// HTTP, or else tcp. nil in a program without net/http: that may have a server of its own.
var hotstartScheme func() string

// accepts is called when the program accepts on a listening socket for the
// first time. Once it has done so on each that matters, it serves: hotstart
// knows which those are.
func (w *hotstartWorker) accepts(fd int) {
	w.connect()
	w.mu.Lock()
	defer w.mu.Unlock()
	inode := hotstartInode(fd)
	if inode == 0 || w.kept[inode] {
		w.listeners[fd] = hotstartName(fd) // it may be a copy
		hotstartMark(fd, hotstartListens)
	}
	if strings.HasPrefix(w.listeners[fd], "unix") {
		w.keepsPath()
	}
	if w.answer > 0 {
		syscall.Write(w.answer, []byte{'a'})
	}
	scheme := ""
	if hotstartScheme != nil {
		scheme = " " + hotstartScheme()
	}
	w.broker.Say("accepts "+strconv.FormatUint(inode, 10)+scheme, -1)
	if !w.ready {
		w.ready = true
		w.broker.Say("ready", -1)
	}
}
