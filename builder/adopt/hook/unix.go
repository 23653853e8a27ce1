package hook

import (
	"net"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// A path that exists can't be bound, whatever options a socket has. Therefore the hook asks hotstart before bind(2).
// If hotstart keeps a socket of the path, the program binds an address that the kernel chooses, and listen(2)
// replaces that socket with the kept one.

// hotstartPath is a unix socket that is about to be bound.
type hotstartPath struct {
	kept int           // the socket that will replace it
	name string        // network and address in the broker's protocol
	addr *net.UnixAddr // the program's address, emptied until listen(2)
	path string        // the original name in addr
}

// prepareUnix is called for a new socket. If hotstart keeps a socket of the program's address, prepareUnix empties that
// address until listen(2): for an empty address the kernel chooses one (unix(7), autobind).
func (w *hotstartWorker) prepareUnix(fd, family, kind int) {
	if family != syscall.AF_UNIX || w.unixAddress == nil || kind&0xf == syscall.SOCK_DGRAM {
		return
	}
	addr := w.unixAddress()
	if addr == nil {
		return
	}
	name := hotstartUnixName(kind&0xf, addr.Name)
	if name == "" {
		return
	}
	w.connect()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hasListener(name) {
		return // this program uses the address
	}
	restored := hotstartRestorePath(addr.Name)
	kept := w.broker.Ask("want " + name)
	if kept < 0 {
		if restored {
			syscall.Unlink(addr.Name)
		}
		return
	}
	w.paths[fd] = hotstartPath{kept, name, addr, addr.Name}
	addr.Name = ""
	hotstartSetState(fd, hotstartUnbound)
}

// hotstartRestorePath restores a path that the program has just removed, by the second name that hotstart gives it
// (keepSpare of package starter), so that clients of the previous worker do not have to wait until hotstart restores
// it.
func hotstartRestorePath(path string) bool {
	at := strings.LastIndexByte(path, '/') + 1
	spare := path[:at] + "." + path[at:] + ".hotstart-" + strconv.Itoa(syscall.Getppid())
	return syscall.Link(spare, path) == nil
}

// takePath restores the address that prepareUnix has emptied. The caller owns the kept socket.
func (w *hotstartWorker) takePath(fd int) (p hotstartPath, ok bool) {
	if hotstartState(fd)&hotstartUnbound == 0 {
		return p, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, ok = w.paths[fd]; ok {
		delete(w.paths, fd)
		p.addr.Name = p.path
	}
	hotstartSetState(fd, 0)
	return p, ok
}

// dropPath is called when a socket is closed before it listens.
func (w *hotstartWorker) dropPath(fd int) {
	if p, ok := w.takePath(fd); ok {
		syscall.Close(p.kept)
	}
}

// hotstartUnixName returns the network and the absolute path of a unix socket in the form of the broker's protocol, ""
// if hotstart does not keep sockets of its kind.
func hotstartUnixName(kind int, path string) string {
	network := "unix "
	if kind == syscall.SOCK_SEQPACKET {
		network = "unixpacket "
	}
	if path == "" || strings.IndexByte(path, '\n') >= 0 {
		return ""
	}
	if path[0] != '/' && (path[0] != '@' || runtime.GOOS != "linux") {
		dir, err := syscall.Getwd()
		if err != nil {
			return ""
		}
		path = dir + "/" + path
	}
	if len(path) > 256 {
		return ""
	}
	return network + path
}

// keepPath prevents that package net removes the path of a kept socket when the program closes its listener: the next
// worker needs the path. It is called when the program accepts on that listener.
func (w *hotstartWorker) keepPath() {
	for _, method := range []string{"Accept(", "AcceptUnix("} {
		if l := (*net.UnixListener)(hotstartArgument("net.(*UnixListener)."+method, 0)); l != nil {
			hotstartDontUnlink(l)
			return
		}
	}
}

// hotstartDontUnlink does l.SetUnlinkOnClose(false) unseen by the race detector: the program may close the listener in
// another goroutine at any time.
//
//go:norace
func hotstartDontUnlink(l *net.UnixListener) {
	unlink, ok := reflect.TypeOf(l).Elem().FieldByName("unlink")
	if !ok || unlink.Type.Kind() != reflect.Bool {
		l.SetUnlinkOnClose(false)
		return
	}
	*(*bool)(unsafe.Pointer(uintptr(unsafe.Pointer(l)) + unlink.Offset)) = false
}
