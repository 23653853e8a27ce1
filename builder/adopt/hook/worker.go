// Package hook is the code that an instrumented program gets. Package adopt writes it to one file and adds the file
// to the build by an overlay. In the program, the code inherits the listening sockets and drains connections when
// hotstart asks for it. It uses hooks that the standard library has for its own tests.
//
// The code is compiled in modules of users. Therefore it uses the language of Go 1.17, whatever version go.mod
// names there (no type parameters, no range over integers). It imports only packages that package net imports as
// well, and net/http in files that are left out if the program does not import net/http. Every package-level name
// begins with hotstart, so that no name collides if the file becomes a part of package main. State is in package
// variables, because the hooks are package variables.
//
// No package can import this one without -ldflags=-checklinkname=0. Package adopt tests it in real programs.
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
	_ "unsafe" // for go:linkname
)

//go:linkname hotstartSocketFunc net.socketFunc
var hotstartSocketFunc func(family, kind, proto int) (int, error)

//go:linkname hotstartListenFunc net.listenFunc
var hotstartListenFunc func(fd, backlog int) error

//go:linkname hotstartCloseFunc internal/poll.CloseFunc
var hotstartCloseFunc func(fd int) error

// hotstartWorker is the state of this process as a worker of hotstart.
type hotstartWorker struct {
	brokerFD int             // descriptor of the broker's socket, which hello takes over
	hello    sync.Once       // connects, when the program first acts as a server
	broker   *hotstartClient // nil before hello, and if the socket can't be opened

	draining atomic.Bool // the drain has begun
	last     atomic.Bool // no worker follows
	stopping sync.Once   // starts the drain

	hold atomic.Value // the *hotstartHold in which clients wait, nil outside; empty if hotstart has never asked for one

	mu        sync.Mutex
	listeners map[int]string       // addresses of the listening sockets that hotstart keeps, by descriptor
	kept      map[uint64]bool      // inodes of the sockets that hotstart keeps and this process has had
	paths     map[int]hotstartPath // unix sockets that are about to be bound, by descriptor
	ready     bool                 // ready was sent

	children hotstartChildren
	answer   int // pipe from a child to its parent; 0 if this process is not a child, or has drained; guarded by mu

	unixAddress func() *net.UnixAddr // address of the socket that package net makes now; nil if this Go hides it

	servers []hotstartServer // guarded by mu
	sweepAt int              // number of servers that starts a sweep; guarded by mu
	born    time.Time        // carries the monotonic clock, which nobody sets
	busyAt  atomic.Int64     // when a request last ended during the drain, in ns since born
}

// hotstartServer is a server of a known kind.
type hotstartServer interface {
	drain()     // asks clients to leave
	closeIdle() // closes idle connections
}

// hotstartHere is nil if hotstart did not start the program. It is initialised before every other variable of
// package main: one of those may listen.
var hotstartHere = hotstartInstall()

// hotstartInstall takes over the broker's socket, and installs the hooks of package net. If the variable is left
// over from a parent of this process, its descriptor is not such a socket.
func hotstartInstall() *hotstartWorker {
	value, ok := os.LookupEnv("HOTSTART_FD")
	if !ok {
		return hotstartFollowParent()
	}
	os.Unsetenv("HOTSTART_FD") // children of the program have no broker
	fd, err := strconv.Atoi(value)
	if err != nil || !hotstartIsStreamSocket(fd) {
		return nil
	}
	syscall.CloseOnExec(fd)
	w := hotstartNewWorker()
	w.brokerFD = fd
	w.keepFromChildren()
	w.makePipes()
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

// hook puts w before the functions that package net calls.
func (w *hotstartWorker) hook() {
	socket, listen := hotstartSocketFunc, hotstartListenFunc
	if socket == nil || listen == nil || hotstartCloseFunc == nil {
		return // the program does not have package net
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

// hookConns hooks accept(2) and close(2).
func (w *hotstartWorker) hookConns() {
	closes := hotstartCloseFunc
	if closes == nil {
		return
	}
	hotstartCloseFunc = func(fd int) error {
		w.beforeClose(fd)
		return closes(fd)
	}
	w.hookAccept()
}

// keepFromChildren makes inherited sockets close-on-exec. Package os does that only for files that it opens.
// hotstart watch passes them by LISTEN_FDS too, which names the same descriptors.
func (w *hotstartWorker) keepFromChildren() {
	for _, port := range strings.Split(os.Getenv("SERVER_STARTER_PORT"), ";") {
		fd, err := strconv.Atoi(port[strings.LastIndexByte(port, '=')+1:])
		if err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
			w.kept[hotstartInode(fd)] = true
		}
	}
}

// hotstartIsStreamSocket reports whether fd is a unix stream socket.
func hotstartIsStreamSocket(fd int) bool {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	name, _ := syscall.Getsockname(fd)
	_, isUnix := name.(*syscall.SockaddrUnix)
	return err == nil && kind == syscall.SOCK_STREAM && isUnix
}

// connect sends hello. It is not called at the start of the program: without a hello, hotstart itself finds out
// when the program is ready, and a program that never listens would never send ready.
func (w *hotstartWorker) connect() {
	w.hello.Do(func() {
		f := os.NewFile(uintptr(w.brokerFD), "hotstart")
		c, err := net.FileConn(f)
		f.Close()
		if err != nil {
			return
		}
		w.broker = hotstartNewClient(c.(*net.UnixConn))
		w.broker.Say("hello "+hotstartVersion, -1)
		go func() { // ends with hotstart
			w.broker.Follow(w.handle)
			w.endHold()
		}()
	})
}

// handle handles a line from hotstart. If hotstart dies, the program keeps running as if started alone, unless it
// drains: then a newer worker serves.
func (w *hotstartWorker) handle(line string) {
	switch line {
	case "last":
		w.last.Store(true)
	case "drain":
		w.stopping.Do(func() { go w.drain() })
	case "release":
		w.endHold()
	default:
		if words := strings.Split(line, " "); words[0] == "hold" && len(words) == 2 {
			w.handleHold(words[1])
		}
	}
}

// hotstartScheme returns http or https if a server of HTTP is among the callers, or else tcp. It is nil in a
// program without net/http, which may have a server of HTTP of another kind.
var hotstartScheme func() string

// accepts is called before the program first accepts on a listening socket. hotstart knows on which sockets the
// program has to accept to be ready.
func (w *hotstartWorker) accepts(fd int) {
	w.connect()
	w.mu.Lock()
	defer w.mu.Unlock()
	inode := hotstartInode(fd)
	if inode == 0 || w.kept[inode] {
		w.listeners[fd] = hotstartSocketName(fd) // it may be a copy
		hotstartSetState(fd, hotstartKept)
	}
	if strings.HasPrefix(w.listeners[fd], "unix") {
		w.keepPath()
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
