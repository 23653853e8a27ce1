package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/starter/internal/safefile"
)

// A LinkError is a pid file, status file or log file behind a link that another
// user can have created.
type LinkError = safefile.LinkError

// A PIDFile contains the pid of this process. What counts is its lock, which
// ends with the process: a file without a lock is a leftover.
type PIDFile struct{ file *os.File }

// A HeldError is a pid file that another process has locked.
type HeldError struct {
	Path string
	PID  int // pid in the file; 0 if it has none
}

func (e *HeldError) Error() string {
	line := fmt.Sprintf("the pid file %s is held by another process", e.Path)
	if e.PID != 0 {
		line += fmt.Sprintf(": pid %d", e.PID)
	}
	return line
}

// Hint returns what the user can do.
func (e *HeldError) Hint() string { return "stop that one first: --stop --pid-file=" + e.Path }

// LockPIDFile locks a pid file, which it creates if necessary, and writes the
// pid of this process to it. It does not change a file that is locked by another
// process, which is a *HeldError, or that contains something other than a pid.
// The PIDFile of "" is nil, which Close accepts.
func LockPIDFile(path string) (*PIDFile, error) {
	for path != "" {
		f, err := openPIDFile(path, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return nil, fmt.Errorf("writing the pid file: %w", err)
		}
		p := &PIDFile{f}
		if err := p.claim(); err != nil {
			f.Close()
			return nil, err
		}
		if p.isAtPath() {
			return p, p.write()
		}
		f.Close() // the process that held it has removed it
	}
	return nil, nil
}

// openPIDFile opens a regular file. It does not wait for the other end of a
// FIFO.
func openPIDFile(path string, flags int) (*os.File, error) {
	f, err := safefile.Open(path, flags|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return f, nil
}

// claim locks the file, and refuses one that contains something other than a pid,
// so that a wrong path does not destroy a file of the user.
func (p *PIDFile) claim() error {
	err := tryLock(p.file)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid, _ := readPID(p.file)
		return &HeldError{Path: p.file.Name(), PID: pid}
	}
	if err != nil {
		return fmt.Errorf("locking the pid file %s: %w", p.file.Name(), err)
	}
	text, err := beginning(p.file)
	if err == nil && strings.TrimSpace(text) != "" && parsePID(text) == 0 {
		err = fmt.Errorf("writing the pid file: %s exists and does not hold a pid; nothing was changed", p.file.Name())
	}
	return err
}

// tryLock locks a file until its last descriptor is closed, or returns
// EWOULDBLOCK; flock(2).
func tryLock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// isAtPath reports whether the path still names the locked file.
func (p *PIDFile) isAtPath() bool {
	locked, err1 := p.file.Stat()
	there, err2 := os.Stat(p.file.Name())
	return err1 == nil && err2 == nil && os.SameFile(locked, there)
}

func (p *PIDFile) write() error {
	err := p.file.Truncate(0)
	if err == nil {
		_, err = p.file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		p.Close()
		return fmt.Errorf("writing the pid file: %w", err)
	}
	return nil
}

// Close removes the file, unless another file has replaced it, and releases the
// lock.
func (p *PIDFile) Close() {
	if p == nil {
		return
	}
	safefile.Remove(p.file.Name(), p.file)
	p.file.Close()
}

// beginning returns the first KiB of a pid file, which is longer than any pid.
func beginning(f *os.File) (string, error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<10))
	if err != nil {
		return "", fmt.Errorf("reading the pid file: %w", err)
	}
	return string(b), nil
}

// parsePID returns the pid in a text, or 0.
func parsePID(text string) int {
	pid, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return 0
	}
	return int(pid)
}

// readPID reads the pid of another process.
func readPID(f *os.File) (int, error) {
	text, err := beginning(f)
	if err != nil {
		return 0, err
	}
	if pid := parsePID(text); pid != 0 && pid != os.Getpid() {
		return pid, nil
	}
	return 0, fmt.Errorf("the pid file %s does not hold the pid of a server: %q", f.Name(), text)
}
