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
		f, err := openPIDFile(path, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return nil, fmt.Errorf("writing the pid file: %w", err)
		}
		p := &pidFile{f}
		err = p.lock()
		if err == nil {
			err = p.overwritable()
		}
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

// openPIDFile opens a regular file, and does not wait for the other end of a
// FIFO that lies there.
func openPIDFile(path string, flags int) (*os.File, error) {
	f, err := openFile(path, flags|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return f, nil
}

// overwritable refuses a file that has something other than a pid in it: a
// wrong path must not cost a file of the user.
func (p *pidFile) overwritable() error {
	b, err := p.content()
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(string(b)); text != "" && !isPID(text) {
		return fmt.Errorf("writing the pid file: %s exists and does not hold a pid; nothing was changed", p.Name())
	}
	return nil
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
	removeFile(p.Name(), p.File)
	p.Close()
}

// content is the beginning of the file, longer than any pid.
func (p *pidFile) content() ([]byte, error) {
	b, err := io.ReadAll(io.NewSectionReader(p, 0, 1<<10))
	if err != nil {
		return nil, fmt.Errorf("reading the pid file: %w", err)
	}
	return b, nil
}

// isPID reports whether a text is a number that can be a pid.
func isPID(text string) bool {
	pid, err := strconv.ParseUint(text, 10, 31)
	return err == nil && pid != 0
}

// readPID reads a pid that a signal may be sent to.
func readPID(f *os.File) (int, error) {
	b, err := (&pidFile{f}).content()
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(b))
	if pid, _ := strconv.Atoi(text); isPID(text) && pid != os.Getpid() {
		return pid, nil
	}
	return 0, fmt.Errorf("the pid file %s does not hold the pid of a server: %q", f.Name(), b)
}
