package term

import (
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// streams join the workers to what hotstart writes to. Their stderr goes
// through hotstart, which remembers the end of it, so that it can tell why one
// has failed. So does stdout where it is the same file, for the order's sake;
// else it is hotstart's own. Nothing is changed on the way, and a worker finds
// a terminal where hotstart has one: a pseudo-terminal in its place.
type Streams struct {
	screen *Screen
	pty    string // value of --pty

	mu   sync.Mutex
	open map[*Output]bool // those that somebody may still write to
}

// newStreams passes on what workers write to a screen. pty is the value of --pty.
func NewStreams(s *Screen, pty string) *Streams {
	return &Streams{screen: s, pty: pty, open: map[*Output]bool{}}
}

// What --pty takes. Given alone it is ptyAlways.
const (
	PTYAuto   = "auto"
	PTYAlways = "always"
	PTYNever  = "never"
)

// connection has the streams of the workers that run the same command.
type connection struct {
	Stdout, Stderr *os.File  // for the workers; nil: hotstart's own
	Outputs        []*Output // the first one is that of stderr
}

// connect makes the streams of a command.
func (s *Streams) Connect() (c connection, err error) {
	if !HavePTY && s.pty == PTYAuto && IsTerminal(os.Stderr) {
		return c, nil // a pipe would take the colours away
	}
	errs, err := s.add(s.IsPTY(os.Stderr), s.screen.pass, s.screen.await)
	if err != nil {
		return c, err
	}
	c = connection{Stderr: errs.give, Outputs: []*Output{errs}}
	switch {
	case sameFile(os.Stdout, os.Stderr):
		c.Stdout = errs.give
	case s.pty == PTYAlways && !IsTerminal(os.Stdout):
		stdout := newLineQueue(os.Stdout, func(int) string { return "" })
		out, err := s.add(true, func(p []byte) { stdout.Write(p) }, stdout.await)
		if err != nil {
			errs.Close()
			return connection{}, err
		}
		c.Outputs = append(c.Outputs, out)
		c.Stdout = out.give
	}
	return c, nil
}

// terminal reports whether a worker gets one in the place of f.
func (s *Streams) IsPTY(f *os.File) bool {
	return HavePTY && (s.pty == PTYAlways || s.pty == PTYAuto && IsTerminal(f))
}

func sameFile(a, b *os.File) bool {
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}

func (s *Streams) add(terminal bool, to func([]byte), await func()) (*Output, error) {
	o, err := newOutput(terminal, to, await, s.remove)
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

// each calls f with every output.
func (s *Streams) each(f func(*Output)) {
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, o := range all {
		f(o)
	}
}

// resize gives the workers' terminals the size of hotstart's, and reports whether
// that is known.
func (s *Streams) Resize() bool {
	size, err := unix.IoctlGetWinsize(int(os.Stderr.Fd()), unix.TIOCGWINSZ)
	if err == nil {
		s.each(func(o *Output) { o.resize(size) })
	}
	return err == nil
}

// flush passes on what ended workers have written.
func (s *Streams) Flush() { s.each((*Output).flush) }

// output is one stream of the workers that run the same command.
type Output struct {
	give *os.File // the workers' end
	read *os.File
	raw  syscall.RawConn
	to   func([]byte)

	mu   sync.Mutex
	buf  [32 << 10]byte
	tail []byte
}

// newOutput passes on what is written to its end, until that is closed here
// and by all who have got it. It calls await before each write, while nothing
// is locked.
func newOutput(terminal bool, to func([]byte), await func(), over func(*Output)) (*Output, error) {
	open := os.Pipe
	if terminal {
		open = OpenPTY
	}
	read, give, err := open()
	if err != nil {
		return nil, err
	}
	o := &Output{give: give, read: read, to: to}
	if o.raw, err = read.SyscallConn(); err != nil {
		read.Close()
		give.Close()
		return nil, err
	}
	go func() { // ends with the last who can write
		defer read.Close()
		defer over(o)
		o.raw.Read(func(fd uintptr) bool {
			for {
				await()
				if again, over := o.take(fd); !again {
					return over
				}
			}
		})
	}()
	return o, nil
}

// keys is where to write what the workers are to read from their terminal.
func (o *Output) Keys() *os.File { return o.read }

// close says that no more workers come. Those that run may write on.
func (o *Output) Close() { o.give.Close() }

// resize tells a terminal how large it is. Another output does not care.
func (o *Output) resize(size *unix.Winsize) {
	unix.IoctlSetWinsize(int(o.give.Fd()), unix.TIOCSWINSZ, size)
}

// take passes on what is there now, up to the size of the buffer. It reports
// whether there may be more, and whether there never will be.
func (o *Output) take(fd uintptr) (more, over bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := syscall.Read(int(fd), o.buf[:])
	switch {
	case err == syscall.EINTR:
		return true, false
	case err == syscall.EAGAIN:
		return false, false
	case n <= 0: // a terminal that nobody has open gives EIO
		return false, true
	}
	o.to(o.buf[:n])
	o.remember(o.buf[:n])
	return true, false
}

// tailSize holds a panic with a hundred goroutines.
const tailSize = 64 << 10

func (o *Output) remember(p []byte) {
	o.tail = append(o.tail, p...)
	if len(o.tail) > 2*tailSize {
		o.tail = append(o.tail[:0], o.tail[len(o.tail)-tailSize:]...)
	}
}

// flush passes on at once what ended workers have written. A living one may
// write without end: what the kernel holds at most is enough.
func (o *Output) flush() {
	o.raw.Control(func(fd uintptr) {
		for range 64 {
			if more, _ := o.take(fd); !more {
				return
			}
		}
	})
}

// words returns the end of what was written, and forgets nothing of it.
func (o *Output) Tail() string {
	o.flush()
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.tail[max(len(o.tail)-tailSize, 0):])
}

// last returns what was written since it was asked before, or the end of it.
func (o *Output) TakeTail() string {
	if o == nil {
		return ""
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	tail := string(o.tail)
	o.tail = o.tail[:0]
	return tail
}
