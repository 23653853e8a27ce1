package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/starter/internal/safefile"
)

// A Log receives the output of this process and its workers. It is a file, or a
// pipe to a command. Make it with OpenLog. Since it can replace stdout and stderr
// of the process, it is for the main program only.
type Log struct {
	name    string
	mu      sync.Mutex // of the next three fields; never held during an operation that can block
	file    *os.File   // the file, or the write end of the pipe
	taken   bool       // stdout and stderr of this process are the log
	closed  bool
	command *logCommand // nil: the log is a file
}

// A logCommand is a command that reads the log.
type logCommand struct {
	line   string
	output [2]*os.File   // its stdout and stderr: the original ones of this process
	read   *os.File      // read end of the pipe; open, so that unread output waits for the next command
	quit   chan struct{} // closed when the log is closed
	ended  chan struct{} // closed when the last command has exited
}

var pipeGrammar = regexp.MustCompile(`^\s*\|\s*(?s:(.*))$`)

// OpenLog opens a file or a FIFO to append to. If name is "| COMMAND", it runs
// the command with sh(1), and runs it again each time it exits.
func OpenLog(name string) (*Log, error) {
	l := &Log{name: name}
	if m := pipeGrammar.FindStringSubmatch(name); m != nil {
		return l, l.pipe(m[1])
	}
	return l, l.Reopen()
}

// Redirect makes the log stdout and stderr of this process, and so of workers
// that have no others.
func (l *Log) Redirect() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = true
	return l.redirect()
}

func (l *Log) redirect() error {
	for _, fd := range []int{1, 2} {
		if err := duplicate(int(l.file.Fd()), fd); err != nil {
			return fmt.Errorf("writing to the log %s: %w", l.name, err)
		}
	}
	return nil
}

// Reopen opens the file again by its name, for example after the old one was
// renamed. Workers that run already keep the old file. It does nothing for a
// command.
func (l *Log) Reopen() error {
	if l.command != nil {
		return nil
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(l.name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		// Opening for writing alone would wait for a reader. As with a command,
		// unread output waits for the next reader.
		flags = os.O_RDWR | os.O_APPEND
	}
	f, err := safefile.Open(l.name, flags, 0o666)
	if err != nil {
		return fmt.Errorf("opening the log file: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return f.Close()
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file = f
	if l.taken {
		return l.redirect()
	}
	return nil
}

// Close waits up to five seconds until a command has read everything and exited.
// If stdout and stderr were the log, they are /dev/null afterwards.
func (l *Log) Close() {
	const maxWait = 5 * time.Second
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.file.Close()
	if l.taken {
		// The command must see the end of the pipe, and no other file may get
		// these two numbers.
		if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
			duplicate(int(null.Fd()), 1)
			duplicate(int(null.Fd()), 2)
			null.Close()
		}
	}
	if l.command != nil {
		close(l.command.quit)
		select {
		case <-l.command.ended:
		case <-time.After(maxWait):
		}
	}
}

// pipe starts the command of the log.
func (l *Log) pipe(line string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the pipe of the log: %w", err)
	}
	l.file = w
	l.command = &logCommand{line: line, read: r, quit: make(chan struct{}), ended: make(chan struct{})}
	for i, f := range []*os.File{os.Stdout, os.Stderr} {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("making the pipe of the log: %w", err)
		}
		l.command.output[i] = os.NewFile(uintptr(fd), f.Name())
	}
	first, err := l.command.start()
	if err != nil {
		r.Close()
		w.Close()
		return fmt.Errorf("starting the command of the log: %w", err)
	}
	go l.command.restart(first)
	return nil
}

func (c *logCommand) start() (*exec.Cmd, error) {
	cmd := exec.Command("/bin/sh", "-c", c.line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.read, c.output[0], c.output[1]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C must not end it: it has to read what Ctrl-C causes
	return cmd, cmd.Start()
}

// restart runs the command again when it exits, until the log is closed.
func (c *logCommand) restart(cmd *exec.Cmd) {
	defer close(c.ended)
	defer c.read.Close()
	for {
		cmd.Wait()
		select {
		case <-c.quit:
			return
		case <-time.After(time.Second):
		}
		if next, err := c.start(); err == nil {
			cmd = next
		}
	}
}

// duplicate makes a descriptor a copy of another. Children inherit the copy.
func duplicate(from, to int) error {
	for {
		if err := dup(from, to); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
