package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// maxConnections bounds the connections at one time. More are closed at once: they can
// come only from the user itself, and cost a slot each.
const maxConnections = 256

// A socket is bound under its path with bindSuffix. The file that locks it has its path
// with lockSuffix.
const (
	bindSuffix = "~"
	lockSuffix = ".lock"
)

// Listener listens at a place. It closes connections of other users than this one and
// the superuser. While it is open it holds a lock, so that a second hotstart does not
// replace its socket.
type Listener struct {
	*net.UnixListener
	Path   string
	folder string // of the user; "": Path was given
	lock   *os.File
	open   atomic.Int32

	closing sync.Once
}

// InUseError says that another hotstart listens at a place.
type InUseError struct {
	Place
	PID int // 0: not known
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another hotstart controls %s", e.Place)
	}
	return fmt.Sprintf("another hotstart (pid %d) controls %s", e.PID, e.Place)
}

// Hint returns what to type for one more hotstart of the same project.
func (e *InUseError) Hint() string { return "hotstart watch --name=NAME" }

// Listen opens the socket of a place, mode 0600, and replaces that of a hotstart that
// has ended. The error is an *InUseError if another hotstart listens there.
func Listen(p Place) (*Listener, error) {
	l := &Listener{Path: p.Path}
	var err error
	if l.Path == "" {
		err = l.lockIn(p.file())
	} else {
		l.lock, err = lockFile(l.Path + lockSuffix)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, &InUseError{p, pidIn(l.Path + lockSuffix)}
	}
	if err != nil {
		return nil, fmt.Errorf("locking the control socket: %w", err)
	}
	if err := l.bind(); err != nil {
		l.unlock()
		return nil, fmt.Errorf("opening the control socket %s: %w", l.Path, err)
	}
	return l, nil
}

// lockIn locks a socket in the user's folder. Another hotstart may remove the folder at
// its end before the lock file is in it.
func (l *Listener) lockIn(file string) (err error) {
	for range 10 {
		if l.folder, err = folder(file); err != nil {
			return err
		}
		l.Path = filepath.Join(l.folder, file)
		if l.lock, err = lockFile(l.Path + lockSuffix); !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return err
}

// bind binds the socket under another name first: it has its mode when clients can find
// it.
func (l *Listener) bind() error {
	if info, err := os.Lstat(l.Path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return errors.New("a file that is not a socket is there")
	}
	next := l.Path + bindSuffix
	os.Remove(next) // of a hotstart that was killed
	u, err := net.ListenUnix("unix", &net.UnixAddr{Name: next, Net: "unix"})
	if err != nil {
		return err
	}
	u.SetUnlinkOnClose(false)
	if err = os.Chmod(next, 0o600); err == nil {
		err = os.Rename(next, l.Path)
	}
	if err != nil {
		u.Close()
		os.Remove(next)
		return err
	}
	l.UnixListener = u
	return nil
}

// lockFile creates a file that belongs to this process until the file is closed. The
// file has the pid.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			return nil, err
		}
		opened, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if now, err := os.Lstat(path); err != nil || !os.SameFile(opened, now) {
			f.Close() // another hotstart has removed it at its end
			continue
		}
		f.Truncate(0)
		fmt.Fprintf(f, "%d\n", os.Getpid())
		return f, nil
	}
}

// pidIn returns the pid in a lock file, or 0.
func pidIn(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if l.open.Load() >= maxConnections || !isAllowed(c) {
			c.Close()
			continue
		}
		l.open.Add(1)
		return &conn{UnixConn: c, of: l}, nil
	}
}

// conn gives its slot back when it is closed.
type conn struct {
	*net.UnixConn
	of     *Listener
	closed atomic.Bool
}

func (c *conn) Close() error {
	if !c.closed.Swap(true) {
		c.of.open.Add(-1)
	}
	return c.UnixConn.Close()
}

// isAllowed reports whether the peer of a connection is this user or the superuser. The
// mode of the socket keeps others out already, except on systems that ignore it.
func isAllowed(c *net.UnixConn) bool {
	uid, err := peerUID(c)
	return err == nil && (uid == os.Geteuid() || uid == 0)
}

// Close removes the socket and closes it. Another call waits for the first one.
func (l *Listener) Close() (err error) {
	l.closing.Do(func() {
		os.Remove(l.Path) // while the lock is held
		err = l.UnixListener.Close()
		l.unlock()
	})
	return err
}

func (l *Listener) unlock() {
	os.Remove(l.lock.Name())
	l.lock.Close()
	if l.folder != "" {
		os.Remove(l.folder) // fails while other sockets are in it
	}
}
