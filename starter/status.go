package starter

import (
	"errors"
	"fmt"
	"io"
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
	if err := replaceable(path); err != nil {
		return nil, fmt.Errorf("writing the status file %s: %w", path, err)
	}
	dir, name, err := openFolder(path)
	if err != nil {
		return nil, fmt.Errorf("writing the status file: %w", err)
	}
	defer dir.close()
	draft, err := writeDraft(dir, path, name, "")
	if err != nil {
		return nil, fmt.Errorf("writing the status file: %w", err)
	}
	draft.Close()
	return s, dir.remove(draftOf(name))
}

// replaceable refuses what is at a path if it is something other than the
// status file of a dead process: a wrong path must not cost a file of the user.
func replaceable(path string) error {
	f, err := openFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.As(err, new(*LinkError)) {
		return err
	}
	if err != nil {
		return nil // there is none, or writing the draft says what is wrong
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it exists and is not a regular file")
	case errors.Is(tryLock(f), unix.EWOULDBLOCK):
		return errors.New("it is in use by a running process")
	}
	if _, err = parseStatus(f); err != nil {
		return errors.New("it exists and is not a status file; nothing was changed")
	}
	return nil
}

func draftOf(name string) string { return fmt.Sprintf("%s.%d", name, os.Getpid()) }

// writeDraft makes the file anew, locked where the file system can: in a
// folder that others write to, its name may be a link that one of them has laid.
func writeDraft(dir folder, path, name, lines string) (*os.File, error) {
	dir.remove(draftOf(name))
	f, err := dir.open(path, draftOf(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
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
	file, err := replaceStatus(s.path, lines)
	if err != nil {
		return fmt.Errorf("writing the status file: %w; hotstart keeps trying", err)
	}
	s.file.Close()
	s.file, s.written = file, lines
	return nil
}

// replaceStatus puts a new file at a path.
func replaceStatus(path, lines string) (*os.File, error) {
	dir, name, err := openFolder(path)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	draft, err := writeDraft(dir, path, name, lines)
	if err == nil {
		err = dir.rename(draftOf(name), name)
	}
	if err != nil {
		draft.Close()
		dir.remove(draftOf(name))
		return nil, err
	}
	return draft, nil
}

// close removes the file, unless another has taken its place.
func (s *statusFile) close() {
	removeFile(s.path, s.file)
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
	f, err := openFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the status file: %w", err)
	}
	defer f.Close()
	workers, err := parseStatus(f)
	if err != nil {
		return nil, fmt.Errorf("reading the status file %s: %w", path, err)
	}
	return workers, nil
}

// parseStatus reads the lines of a status file.
func parseStatus(f io.Reader) (workers []Worker, err error) {
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		generation, pid, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		g, err1 := strconv.Atoi(generation)
		p, err2 := strconv.Atoi(pid)
		if err1 != nil || err2 != nil || g < 1 || p < 1 {
			return nil, fmt.Errorf("%q is not GENERATION:PID", line)
		}
		workers = append(workers, Worker{Generation: g, PID: p})
	}
	return workers, nil
}
