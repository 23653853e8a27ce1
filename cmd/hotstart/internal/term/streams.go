package term

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Values of --pty, which is PTYAlways without a value.
const (
	PTYAuto   = "auto"
	PTYAlways = "always"
	PTYNever  = "never"
)

// Streams passes the output of workers to a screen, unchanged, and remembers the end of
// it, which tells why a worker failed. That is done for stderr, and for stdout if both
// are the same file, since the order of lines matters then. Other workers' stdout is
// hotstart's own. Where hotstart has a terminal, workers get a pseudo-terminal.
type Streams struct {
	screen *Screen
	pty    string // value of --pty

	mu   sync.Mutex
	open map[*Output]bool // outputs that a process may still write to
}

// NewStreams passes output to a screen. pty is the value of --pty.
func NewStreams(s *Screen, pty string) *Streams {
	return &Streams{screen: s, pty: pty, open: map[*Output]bool{}}
}

// Connection is the output of the workers that run the same command.
type Connection struct {
	Stdout, Stderr *os.File  // for the workers; nil: those of hotstart
	Outputs        []*Output // the first one is that of stderr; empty if both files are nil
}

// Connect opens the streams for a command.
func (s *Streams) Connect() (c Connection, err error) {
	if !HavePTY && s.pty == PTYAuto && IsTerminal(os.Stderr) {
		return c, nil // with a pipe the program would lose its colours
	}
	stderr, err := s.add(s.GivesPTY(os.Stderr), s.screen.writeProgram, s.screen.await)
	if err != nil {
		return c, err
	}
	c = Connection{Stderr: stderr.write, Outputs: []*Output{stderr}}
	switch {
	case sameFile(os.Stdout, os.Stderr):
		c.Stdout = stderr.write
	case s.pty == PTYAlways && !IsTerminal(os.Stdout):
		queue := newLineQueue(os.Stdout, func(int) string { return "" })
		stdout, err := s.add(true, func(p []byte) { queue.Write(p) }, queue.await)
		if err != nil {
			stderr.Close()
			return Connection{}, err
		}
		c.Outputs = append(c.Outputs, stdout)
		c.Stdout = stdout.write
	}
	return c, nil
}

// GivesPTY reports whether workers get a pseudo-terminal in the place of f.
func (s *Streams) GivesPTY(f *os.File) bool {
	return HavePTY && (s.pty == PTYAlways || s.pty == PTYAuto && IsTerminal(f))
}

func sameFile(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func (s *Streams) add(pty bool, to func([]byte), await func()) (*Output, error) {
	o, err := newOutput(pty, to, await, s.remove)
	if err == nil {
		s.mu.Lock()
		s.open[o] = true
		s.mu.Unlock()
	}
	return o, err
}

func (s *Streams) remove(o *Output) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, o)
}

func (s *Streams) each(f func(*Output)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.open {
		f(o)
	}
}

// Resize gives the workers' pseudo-terminals the size of hotstart's terminal, and
// reports whether that is known.
func (s *Streams) Resize() bool {
	size, err := windowSize()
	if err == nil {
		s.each(func(o *Output) { unix.IoctlSetWinsize(int(o.write.Fd()), unix.TIOCSWINSZ, size) }) // fails for a pipe
	}
	return err == nil
}

// Flush passes on what workers have written that have exited.
func (s *Streams) Flush() { s.each((*Output).flush) }

// Output is one stream of the workers that run the same command.
type Output struct {
	write *os.File // for the workers
	read  *os.File
	raw   syscall.RawConn // of read
	to    func([]byte)

	mu   sync.Mutex
	copy func([]byte) // gets what is passed on, too; nil: nobody does
	buf  [32 << 10]byte
	tail []byte // end of what was written
}

// newOutput passes on what is written to an output, until it is closed here and by
// every process that has it. It calls await before each read, while nothing is locked,
// and done at the end.
func newOutput(pty bool, to func([]byte), await func(), done func(*Output)) (*Output, error) {
	open := os.Pipe
	if pty {
		open = OpenPTY
	}
	read, write, err := open()
	if err != nil {
		return nil, err
	}
	o := &Output{write: write, read: read, to: to}
	if o.raw, err = read.SyscallConn(); err != nil {
		read.Close()
		write.Close()
		return nil, err
	}
	go func() { // ends when no process has the output open
		defer read.Close()
		defer done(o)
		o.raw.Read(func(fd uintptr) bool {
			for {
				await()
				if more, end := o.pass(fd); !more {
					return end
				}
			}
		})
	}()
	return o, nil
}

// Keys is the file whose input the workers read from their pseudo-terminal.
func (o *Output) Keys() *os.File { return o.read }

// Copy passes what is written from now on to a function, too, which must not block.
func (o *Output) Copy(to func([]byte)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.copy = to
}

// Close says that no more workers get the output. Running workers keep writing to it.
func (o *Output) Close() { o.write.Close() }

// pass passes on what can be read now, up to the size of the buffer. It reports whether
// there may be more, and whether the output has ended.
func (o *Output) pass(fd uintptr) (more, end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := syscall.Read(int(fd), o.buf[:])
	switch {
	case err == syscall.EINTR:
		return true, false
	case err == syscall.EAGAIN:
		return false, false
	case n <= 0: // a terminal that no process has open gives EIO
		return false, true
	}
	o.to(o.buf[:n])
	if o.copy != nil {
		o.copy(o.buf[:n])
	}
	o.tail = append(o.tail, o.buf[:n]...)
	if len(o.tail) > 2*tailSize {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-tailSize:]...)
	}
	return true, false
}

// tailSize has room for a panic with a hundred goroutines.
const tailSize = 64 << 10

// flush passes on what is in the kernel's buffer now. A running worker may write
// forever, so that the loop is bounded.
func (o *Output) flush() {
	o.raw.Control(func(fd uintptr) {
		for range 64 {
			if more, _ := o.pass(fd); !more {
				return
			}
		}
	})
}

// Tail returns the end of what was written.
func (o *Output) Tail() string {
	o.flush()
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.tail[max(len(o.tail)-tailSize, 0):])
}

// TakeTail returns the end of what was written since the last call.
func (o *Output) TakeTail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	tail := string(o.tail)
	o.tail = o.tail[:0]
	return tail
}
