package starter

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
)

// A Log is where this process and its workers write to: a file, or a pipe to
// a command. Make one with OpenLog. It is for the program that owns the
// process, since it takes its stdout and stderr.
type Log struct {
	name    string
	mu      sync.Mutex // of the next three; held while nothing can block
	file    *os.File   // what is written to
	taken   bool       // stdout and stderr are it
	closed  bool
	command *piped // nil: it is a file
}

// piped is the command of a log.
type piped struct {
	line  string
	says  [2]*os.File   // its own stdout and stderr: those that this process had before
	read  *os.File      // kept open: what no command has read yet waits for the next
	quit  chan struct{} // closed when the log is
	ended chan struct{} // closed when the last command has ended
}

var pipeGrammar = regexp.MustCompile(`^\s*\|\s*(?s:(.*))$`)

// OpenLog opens a file or a FIFO to append to, or runs a command of sh(1) if
// name is "| COMMAND". A command that ends is run again.
func OpenLog(name string) (*Log, error) {
	l := &Log{name: name}
	if m := pipeGrammar.FindStringSubmatch(name); m != nil {
		return l, l.pipe(m[1])
	}
	return l, l.Reopen()
}

// Redirect makes the log this process's stdout and stderr, and so that of the
// workers which have no others.
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

// Reopen opens the file by its name again, as after it was renamed. Workers
// that run already go on with the old one. A command is left alone.
func (l *Log) Reopen() error {
	if l.command != nil {
		return nil
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(l.name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		// Open for reading too, or this would wait until someone reads. As
		// with a command, what has not been read yet waits for the next reader.
		flags = os.O_RDWR | os.O_APPEND
	}
	f, err := openFile(l.name, flags, 0o666)
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

// Close waits, but not for long, until a command has read everything. It
// leaves stdout and stderr closed if they were the log.
func (l *Log) Close() {
	const patience = 5 * time.Second
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.file.Close()
	if l.taken {
		// Writing has to end, and nothing must take their numbers.
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
		case <-time.After(patience):
		}
	}
}

func (l *Log) pipe(line string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the pipe of the log: %w", err)
	}
	l.file = w
	l.command = &piped{line: line, read: r, quit: make(chan struct{}), ended: make(chan struct{})}
	for i, f := range []*os.File{os.Stdout, os.Stderr} {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("making the pipe of the log: %w", err)
		}
		l.command.says[i] = os.NewFile(uintptr(fd), f.Name())
	}
	first, err := l.command.start()
	if err != nil {
		r.Close()
		w.Close()
		return fmt.Errorf("starting the command of the log: %w", err)
	}
	go l.command.keep(first)
	return nil
}

func (p *piped) start() (*exec.Cmd, error) {
	cmd := exec.Command("/bin/sh", "-c", p.line)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.read, p.says[0], p.says[1]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it: it has yet to read what comes of that
	return cmd, cmd.Start()
}

// keep runs the command again when it ends, until the log is closed.
func (p *piped) keep(cmd *exec.Cmd) {
	defer close(p.ended)
	defer p.read.Close()
	for {
		cmd.Wait()
		select {
		case <-p.quit:
			return
		case <-time.After(time.Second):
		}
		again, err := p.start()
		if err != nil {
			continue
		}
		cmd = again
	}
}

func duplicate(from, to int) error {
	for {
		if err := dup(from, to); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
