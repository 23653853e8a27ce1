package starter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A pidFile holds this process's pid. What counts is its lock, which ends
// with the process: a file without one is left over.
type pidFile struct{ *os.File }

// A HeldError is a pid file that another process holds.
type HeldError struct {
	Path string
	PID  int // 0: it is not in there
}

func (e *HeldError) Error() string {
	line := fmt.Sprintf("the pid file %s is held by another process", e.Path)
	if e.PID != 0 {
		line += fmt.Sprintf(": pid %d", e.PID)
	}
	return line
}

// Hint says how to go on.
func (e *HeldError) Hint() string { return "stop that one first: --stop --pid-file=" + e.Path }

// lockPIDFile takes the lock before it changes anything. No path, no file.
func lockPIDFile(path string) (*pidFile, error) {
	for path != "" {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("writing the pid file: %w", err)
		}
		p := &pidFile{f}
		err = p.lock()
		switch {
		case err != nil:
			f.Close()
			return nil, err
		case !p.ours():
			f.Close() // whoever had it has removed it meanwhile
		default:
			return p, p.write()
		}
	}
	return nil, nil
}

func (p *pidFile) lock() error {
	err := tryLock(p.File)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid, _ := readPID(p.File)
		return &HeldError{Path: p.Name(), PID: pid}
	}
	if err != nil {
		return fmt.Errorf("locking the pid file %s: %w", p.Name(), err)
	}
	return nil
}

// ours reports whether the path still names the file that is locked.
func (p *pidFile) ours() bool { return isAt(p.Name(), p.File) }

func (p *pidFile) write() error {
	err := p.Truncate(0)
	if err == nil {
		_, err = p.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	if err != nil {
		p.close()
		return fmt.Errorf("writing the pid file: %w", err)
	}
	return nil
}

func (p *pidFile) close() {
	if p == nil {
		return
	}
	if p.ours() {
		os.Remove(p.Name())
	}
	p.Close()
}

// readPID reads a pid that a signal may be sent to.
func readPID(f *os.File) (int, error) {
	b, err := io.ReadAll(io.LimitReader(io.NewSectionReader(f, 0, 1<<10), 1<<10))
	if err != nil {
		return 0, fmt.Errorf("reading the pid file: %w", err)
	}
	pid, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 31)
	if err != nil || pid == 0 || int(pid) == os.Getpid() {
		return 0, fmt.Errorf("the pid file %s does not hold the pid of a server: %q", f.Name(), b)
	}
	return int(pid), nil
}
