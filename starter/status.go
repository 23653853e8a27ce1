package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A statusFile tells other processes which workers live. It is replaced as a
// whole, so that nobody reads half of it. Its lock, which hinders no reader,
// tells another superdaemon that it is taken.
type statusFile struct {
	path    string // "": there is none
	written string
	file    *os.File // what is at the path, locked; nil: not written yet
}

// newStatusFile makes sure that the file can be written, and writes nothing.
func newStatusFile(path string) (*statusFile, error) {
	s := &statusFile{path: path}
	if path == "" {
		return s, nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("writing the status file %s: it exists and is not a file", path)
	}
	if isTaken(path) {
		return nil, fmt.Errorf("writing the status file %s: it is that of another process, which lives", path)
	}
	draft, err := s.writeDraft("")
	if err != nil {
		return nil, fmt.Errorf("writing the status file: %w", err)
	}
	draft.Close()
	return s, os.Remove(s.draft())
}

// isTaken reports whether a file is locked.
func isTaken(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(tryLock(f), unix.EWOULDBLOCK)
}

func (s *statusFile) draft() string { return fmt.Sprintf("%s.%d", s.path, os.Getpid()) }

// writeDraft makes the file anew, locked where the file system can: in a
// folder that others write to, its name may be a link that one of them has laid.
func (s *statusFile) writeDraft(lines string) (*os.File, error) {
	os.Remove(s.draft())
	f, err := os.OpenFile(s.draft(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteString(lines); err != nil {
		f.Close()
		return nil, err
	}
	_ = tryLock(f)
	return f, nil
}

// write replaces the content of the file, unless it has these lines already.
func (s *statusFile) write(lines string) error {
	if lines == s.written || s.file == nil && lines == "" {
		return nil
	}
	draft, err := s.writeDraft(lines)
	if err == nil {
		err = os.Rename(s.draft(), s.path)
	}
	if err != nil {
		draft.Close()
		os.Remove(s.draft())
		return fmt.Errorf("writing the status file: %w; hotstart keeps trying", err)
	}
	s.file.Close()
	s.file, s.written = draft, lines
	return nil
}

// close removes the file, unless another has taken its place.
func (s *statusFile) close() {
	if isAt(s.path, s.file) {
		os.Remove(s.path)
	}
	s.file.Close()
}

func statusLines(workers []Worker) string {
	var b strings.Builder
	for _, w := range workers {
		fmt.Fprintf(&b, "%d:%d\n", w.Generation, w.PID)
	}
	return b.String()
}

// readStatus lists the workers of a status file, which is none if there is
// no such file.
func readStatus(path string) ([]Worker, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the status file: %w", err)
	}
	var workers []Worker
	for line := range strings.Lines(string(b)) {
		generation, pid, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		g, err1 := strconv.Atoi(generation)
		p, err2 := strconv.Atoi(pid)
		if err1 != nil || err2 != nil || g < 1 || p < 1 {
			return nil, fmt.Errorf("reading the status file %s: %q is not GENERATION:PID", path, line)
		}
		workers = append(workers, Worker{Generation: g, PID: p})
	}
	return workers, nil
}
