package hook

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// A program may serve by child processes that run the same binary, like fiber's prefork. Children have no broker,
// but drain together with their parent. The parent has two pipes, which a child opens by /proc/PID/fd of proc(5).
// When the first pipe ends, the child drains. The child writes to the second pipe when it accepts, and closes that
// pipe when it has drained.

// hotstartParentVariable holds the pid of the parent, and the number and the inode of each pipe.
const hotstartParentVariable = "HOTSTART_PARENT"

// hotstartChildren is the pair of pipes of a parent. The zero value has no pipes.
type hotstartChildren struct {
	stop, answer [2]int        // children read from stop, and write to answer
	ended        chan struct{} // closed when every child has closed its end; nil if there are no pipes
}

// makePipes makes the pipes, and names them in the environment of the children.
func (w *hotstartWorker) makePipes() {
	c := &w.children
	if syscall.Pipe2(c.stop[:], syscall.O_CLOEXEC) != nil {
		return
	}
	if syscall.Pipe2(c.answer[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK) != nil {
		syscall.Close(c.stop[0])
		syscall.Close(c.stop[1])
		return
	}
	c.ended = make(chan struct{})
	go w.followChildren() // ends when parent and children have drained
	os.Setenv(hotstartParentVariable, strconv.Itoa(os.Getpid())+" "+hotstartPipe(c.stop[0])+" "+hotstartPipe(c.answer[1]))
}

// hotstartPipe returns the number and the inode of a pipe. The number alone is not enough: the process may execute
// another program, which may have another file at that number.
func hotstartPipe(fd int) string {
	return strconv.Itoa(fd) + " " + strconv.FormatUint(hotstartInode(fd), 10)
}

// hotstartOpenPipe opens a pipe of another process. It returns -1 if the process has another file at that number.
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

// followChildren sends ready when a child accepts: the parent itself may never listen.
func (w *hotstartWorker) followChildren() {
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

// drain makes the children drain.
func (c *hotstartChildren) drain() {
	if c.ended != nil {
		syscall.Close(c.stop[1])
		syscall.Close(c.answer[1])
	}
}

// haveDrained reports whether every child has drained or exited.
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

// hotstartFollowParent returns the worker of a child process, or nil if this process is not a child of an instrumented
// program. hotstart does not keep the sockets of a child; only accepted connections are followed.
func hotstartFollowParent() *hotstartWorker {
	value := strings.Fields(os.Getenv(hotstartParentVariable))
	os.Unsetenv(hotstartParentVariable)
	parent := os.Getppid()
	if len(value) != 5 || value[0] != strconv.Itoa(parent) {
		return nil
	}
	stop := hotstartOpenPipe(value[0], value[1], value[2], syscall.O_RDONLY)
	if stop < 0 {
		return nil
	}
	answer := hotstartOpenPipe(value[0], value[3], value[4], syscall.O_WRONLY)
	if answer < 0 {
		syscall.Close(stop)
		return nil
	}
	w := hotstartNewWorker()
	w.hello.Do(func() {}) // a child has no broker
	w.answer = answer
	w.hookConns()
	go func() { // ends with the parent
		os.NewFile(uintptr(stop), "parent").Read(make([]byte, 1))
		if os.Getppid() == parent { // otherwise the pipe ended because the parent exited
			w.waitForConns()
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answer = 0 // a later accept must not write to another file of this number
		syscall.Close(answer)
	}()
	return w
}
