package proc

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Spec describes the program to start as a worker.
type Spec struct {
	Path  string
	Argv  []string // nil: Path alone
	Dir   string   // "": that of this process
	Env   []string
	Files []int // descriptors of this process, by their number in the worker; -1: closed

	KillDescendants bool             // the worker leads a process group, which is killed with the worker
	GroupSignals    []syscall.Signal // signals that are sent to the whole process group; nil: the worker's alone
	CanReexec       bool             // this program calls Dispatch first in main
	Guard           *Guard           // learns of the process group; nil: there is no guard
}

// Start forks and executes the program. Descriptors are raw numbers, since an
// os.File may change the mode of the open file description; see sock.Socket.
func (st Spec) Start() (*Child, error) {
	c := &Child{Spec: st, staging: st.CanReexec}
	pid, err := c.fork()
	if err != nil {
		return nil, st.failed(err)
	}
	c.pid = pid
	if c.Guard != nil {
		c.Guard.watch(pid)
	}
	return c, nil
}

func (c *Child) fork() (pid int, err error) {
	path, argv, dir, files := c.Path, c.Argv, c.Dir, c.Files
	if len(argv) == 0 {
		argv = []string{path}
	}
	if c.CanReexec {
		self, err := Executable()
		if err != nil {
			return 0, err
		}
		read, write, err := os.Pipe()
		if err != nil {
			return 0, err
		}
		defer write.Close()
		c.report = read
		argv = StageArgs(len(files), dir, path, argv)
		path, dir, files = self, "", append(files, int(write.Fd()))
	}
	attr := &syscall.ProcAttr{Dir: dir, Env: c.Env, Sys: attributes(c.KillDescendants, c.GroupSignals != nil)}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	pid, err = syscall.ForkExec(path, argv, attr)
	if err != nil {
		c.report.Close()
	}
	return pid, err
}

// execError waits until the exec stage has become the program, or returns the
// error of the stage.
func (c *Child) execError() error {
	defer c.report.Close()
	var number int
	if n, _ := fmt.Fscan(c.report, &number); n == 0 {
		return nil
	}
	return c.failed(syscall.Errno(number))
}

// failed returns the error of a start that has failed. It may be about the program
// or about the directory.
func (st Spec) failed(err error) error {
	if st.Dir != "" {
		return fmt.Errorf("starting %s in %s: %w", st.Path, st.Dir, err)
	}
	return fmt.Errorf("starting %s: %w", st.Path, err)
}

// StageArgs returns the arguments that make this program the exec stage of
// another program. files is the number of descriptors that the other program
// gets; the descriptor after them is the stage's report.
func StageArgs(files int, dir, path string, argv []string) []string {
	return append([]string{execName, strconv.Itoa(files), dir, path}, argv...)
}

// ConnPair returns a connection, and the descriptor of its other end. A forked
// child does not inherit them.
func ConnPair() (c *net.UnixConn, other int, err error) {
	syscall.ForkLock.RLock()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(pair[0])
		unix.CloseOnExec(pair[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, -1, err
	}
	f := os.NewFile(uintptr(pair[0]), "connection")
	defer f.Close() // c has a copy
	conn, err := net.FileConn(f)
	if err != nil {
		unix.Close(pair[1])
		return nil, -1, err
	}
	return conn.(*net.UnixConn), pair[1], nil
}
