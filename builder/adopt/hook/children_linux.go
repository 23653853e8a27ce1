package hook

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// A program may serve by children of its own that run the same binary, as fiber's prefork
// does. They have no broker, but drain with their parent: it has two pipes, which a child
// opens by /proc/PID/fd of proc(5). The end of the first one says drain; into the second
// one a child writes when it accepts, and closes it when it has drained.

// hotstartParentVariable tells a child its parent's pid, and the number and the inode of
// either pipe.
const hotstartParentVariable = "HOTSTART_PARENT"

// hotstartChildren are the pipes of a parent: where children read, and where they write.
// The zero value has none.
type hotstartChildren struct {
	drain, answer [2]int
	ended         chan struct{} // closed when no child has its end any more; nil: there are no pipes
}

// lead makes the pipes, and has the children of the program told.
func (w *hotstartWorker) lead() {
	c := &w.children
	if syscall.Pipe2(c.drain[:], syscall.O_CLOEXEC) != nil {
		return
	}
	if syscall.Pipe2(c.answer[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		syscall.Close(c.drain[0])
		syscall.Close(c.drain[1])
		return
	}
	c.ended = make(chan struct{})
	go w.hear() // ends when parent and children have drained
	os.Setenv(hotstartParentVariable, strconv.Itoa(os.Getpid())+" "+hotstartPipe(c.drain[0])+" "+hotstartPipe(c.answer[1]))
}

// hotstartPipe names a pipe: the process may execute another program, which has something
// else at the same number.
func hotstartPipe(fd int) string {
	return strconv.Itoa(fd) + " " + strconv.FormatUint(hotstartInode(fd), 10)
}

// hotstartOpenPipe opens a pipe that a process has, -1 if it has another file there.
func hotstartOpenPipe(pid, fd, inode string, mode int) int {
	pipe, err := syscall.Open("/proc/"+pid+"/fd/"+fd, mode|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return -1
	}
	if strconv.FormatUint(hotstartInode(pipe), 10) != inode {
		syscall.Close(pipe)
		return -1
	}
	return pipe
}

// hear says what children do: the program itself may never listen.
func (w *hotstartWorker) hear() {
	defer close(w.children.ended)
	answers := os.NewFile(uintptr(w.children.answer[0]), "children")
	defer answers.Close()
	for buf := make([]byte, 64); ; {
		if n, err := answers.Read(buf); n == 0 || err != nil {
			return
		}
		w.connect()
		w.mu.Lock()
		if !w.ready {
			w.ready = true
			w.broker.Say("ready", -1)
		}
		w.mu.Unlock()
	}
}

// tell has the children drain.
func (c *hotstartChildren) tell() {
	if c.ended != nil {
		syscall.Close(c.drain[1])
		syscall.Close(c.answer[1])
	}
}

// haveDrained reports whether every child has drained, or ended.
func (c *hotstartChildren) haveDrained() bool {
	if c.ended == nil {
		return true
	}
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// hotstartFollowParent returns the worker that a child of an adopted program is, or nil.
// Its sockets are its own: only what it accepts is followed.
func hotstartFollowParent() *hotstartWorker {
	value := strings.Fields(os.Getenv(hotstartParentVariable))
	os.Unsetenv(hotstartParentVariable)
	parent := os.Getppid()
	if len(value) != 5 || value[0] != strconv.Itoa(parent) {
		return nil
	}
	drain := hotstartOpenPipe(value[0], value[1], value[2], syscall.O_RDONLY)
	if drain < 0 {
		return nil
	}
	answer := hotstartOpenPipe(value[0], value[3], value[4], syscall.O_WRONLY)
	if answer < 0 {
		syscall.Close(drain)
		return nil
	}
	w := hotstartNewWorker()
	w.hello.Do(func() {}) // to nobody
	w.answer = answer
	w.hookConns()
	go func() { // ends with the parent
		os.NewFile(uintptr(drain), "parent").Read(make([]byte, 1))
		if os.Getppid() == parent { // one that has ended has not said drain
			w.finish()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answer = 0 // or what is accepted later would be told to another file of this number
		syscall.Close(answer)
	}()
	return w
}
