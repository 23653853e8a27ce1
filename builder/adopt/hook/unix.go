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

// A path that exists can't be bound, whatever options a socket has. So hotstart is
// asked before bind(2), and the program binds an address that the kernel chooses
// instead, until listen(2) has the kept socket take its place.

// hotstartPath is a unix socket that is about to be bound.
type hotstartPath struct {
	kept int           // the socket that is to be in its place
	name string        // as the broker's protocol has it
	addr *net.UnixAddr // the program's
	path string        // what was in addr
}

// prepareUnix is called for a new socket. Where hotstart keeps one for the address that
// it is for, that is left out of the program's address for now: an empty one has the
// kernel choose (unix(7), autobind).
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
	if w.listens(name) {
		return // by itself: it is in use
	}
	back := hotstartPutBack(addr.Name)
	kept := w.broker.Ask("want " + name)
	if kept < 0 {
		if back {
			syscall.Unlink(addr.Name)
		}
		return
	}
	w.paths[fd] = hotstartPath{kept, name, addr, addr.Name}
	addr.Name = ""
	hotstartMark(fd, hotstartBinds)
}

// hotstartPutBack puts a path back that the program has just removed, by the second name
// that hotstart gives it (keepSpare of package starter): clients of the worker before this
// one are not to wait until hotstart has done so.
func hotstartPutBack(path string) bool {
	at := strings.LastIndexByte(path, '/') + 1
	spare := path[:at] + "." + path[at:] + ".hotstart-" + strconv.Itoa(syscall.Getppid())
	return syscall.Link(spare, path) == nil
}

// takePath ends what prepareUnix began. The caller owns the kept socket.
func (w *hotstartWorker) takePath(fd int) (p hotstartPath, ok bool) {
	if hotstartIs(fd)&hotstartBinds == 0 {
		return p, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, ok = w.paths[fd]; ok {
		delete(w.paths, fd)
		p.addr.Name = p.path
	}
	hotstartMark(fd, 0)
	return p, ok
}

// dropPath is for a socket that is closed before it listens.
func (w *hotstartWorker) dropPath(fd int) {
	if p, ok := w.takePath(fd); ok {
		syscall.Close(p.kept)
	}
}

// hotstartUnixName is the network and the whole path of a unix socket as the broker's
// protocol has them, "" if hotstart does not keep such ones.
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

// keepsPath has package net leave the path of a kept socket where it is when the
// program closes its listener: it is that of the worker after this one. It is called
// when the program accepts on that listener.
func (w *hotstartWorker) keepsPath() {
	for _, method := range []string{"Accept(", "AcceptUnix("} {
		if l := (*net.UnixListener)(hotstartArgument("net.(*UnixListener)."+method, 0)); l != nil {
			hotstartKeepPath(l)
			return
		}
	}
}

// hotstartArgument returns the nth word that a function on the stack was called with, a
// pointer that this function needs again after the call that is under way: so what it
// points to is alive. nil if the runtime is not certain of its value.
//
// It may point into the stack. When that is moved, the runtime changes pointers, not
// what was printed of them: so it is printed again once it is a pointer.
func hotstartArgument(function string, n int) unsafe.Pointer {
	address := hotstartWord(hotstartStack(), function, n)
	pointer := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	if hotstartWord(hotstartStack(), function, n) != uintptr(pointer) {
		return nil
	}
	return pointer
}

// hotstartStack is the stack of this goroutine as a panic would print it, the
// innermost functions first.
func hotstartStack() string {
	b := make([]byte, 8<<10)
	return string(b[:runtime.Stack(b, false)])
}

// hotstartWord is the nth word that a function on the stack was called with, 0 if it is
// not printed, or with a question mark: then the runtime is not certain of it.
func hotstartWord(stack, function string, n int) uintptr {
	_, line, _ := strings.Cut(stack, "\n"+function)
	line, _, whole := strings.Cut(line, ")\n")
	words := strings.Split(strings.NewReplacer("{", "", "}", "").Replace(line), ", ")
	if !whole || n >= len(words) {
		return 0
	}
	word, err := strconv.ParseUint(words[n], 0, strconv.IntSize)
	if err != nil {
		return 0
	}
	return uintptr(word)
}

// hotstartKeepPath is l.SetUnlinkOnClose(false), of which the race detector does not know:
// the program may close the listener in another goroutine at any time.
//
//go:norace
func hotstartKeepPath(l *net.UnixListener) {
	unlink, ok := reflect.TypeOf(l).Elem().FieldByName("unlink")
	if !ok || unlink.Type.Kind() != reflect.Bool {
		l.SetUnlinkOnClose(false)
		return
	}
	*(*bool)(unsafe.Pointer(uintptr(unsafe.Pointer(l)) + unlink.Offset)) = false
}
