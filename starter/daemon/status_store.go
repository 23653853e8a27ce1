package daemon

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hotstart/hotstart/starter"
	"github.com/hotstart/hotstart/starter/internal/safefile"
)

// A statusStore replaces the status file as a whole, so that no process reads
// half of it. The lock of the file, which does not hinder readers, tells other
// superdaemons that it is in use.
type statusStore struct {
	path    string
	written string   // the current content
	file    *os.File // the locked file at the path; nil before the first write
}

// openStatus checks that the file can be written. It writes nothing to it.
func openStatus(path string) (*statusStore, error) {
	if err := checkReplaceable(path); err != nil {
		return nil, fmt.Errorf("writing the status file %s: %w", path, err)
	}
	s := &statusStore{path: path}
	f, err := s.draft("", func(dir safefile.Dir, draft, _ string) error { return dir.Remove(draft) })
	if err != nil {
		return nil, fmt.Errorf("writing the status file: %w", err)
	}
	return s, f.Close()
}

// checkReplaceable refuses a file that is not the status file of a dead process,
// so that a wrong path does not destroy a file of the user.
func checkReplaceable(path string) error {
	f, err := safefile.Open(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.As(err, new(*LinkError)) {
		return err
	}
	if err != nil {
		return nil // it does not exist, or draft will return the reason
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

// write replaces the file if the content differs, or again is set. The first
// content is never empty.
func (s *statusStore) write(lines string, again bool) error {
	if lines == s.written && !again || s.file == nil && lines == "" {
		return nil
	}
	f, err := s.draft(lines, safefile.Dir.Rename)
	if err != nil {
		return fmt.Errorf("writing the status file: %w; hotstart keeps trying", err)
	}
	s.file.Close()
	s.file, s.written = f, lines
	return nil
}

// draft writes the next version of the file in the same folder, locked where the
// file system supports that, and passes its name and that of the status file to
// publish. In a folder that other users can write to, its name may be a link that
// one of them has created.
func (s *statusStore) draft(lines string, publish func(dir safefile.Dir, draft, name string) error) (f *os.File, err error) {
	dir, name, err := safefile.OpenDir(s.path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	draft := fmt.Sprintf("%s.%d", name, os.Getpid())
	dir.Remove(draft)
	f, err = dir.Open(s.path, draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		_, err = f.WriteString(lines)
	}
	if err == nil {
		_ = tryLock(f)
		err = publish(dir, draft, name)
	}
	if err != nil {
		dir.Remove(draft)
		f.Close()
	}
	return f, err
}

// close removes the file, unless another file has replaced it.
func (s *statusStore) close() {
	safefile.Remove(s.path, s.file)
	s.file.Close()
}

// statusLines returns the content of a status file, a line GENERATION:PID for
// each worker.
func statusLines(workers []starter.Worker) string {
	var b strings.Builder
	for _, w := range workers {
		fmt.Fprintf(&b, "%d:%d\n", w.Generation, w.PID)
	}
	return b.String()
}

// A status is what a status file says at one time.
type status struct {
	workers []starter.Worker
	file    fs.FileInfo // nil: there was no file
}

// repeats reports whether a status has the workers of an earlier one in another
// file: the superdaemon has given up a reload, see StatusFile.ReloadFailed.
func (s status) repeats(earlier status) bool {
	return s.file != nil && earlier.file != nil && slices.Equal(s.workers, earlier.workers) &&
		!(os.SameFile(s.file, earlier.file) && s.file.ModTime().Equal(earlier.file.ModTime()))
}

// readStatus reads a status file. It returns the zero status if there is no file.
func readStatus(path string) (s status, err error) {
	f, err := safefile.Open(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("reading the status file: %w", err)
	}
	defer f.Close()
	s.workers, err = parseStatus(f)
	if err == nil {
		s.file, err = f.Stat()
	}
	if err != nil {
		return s, fmt.Errorf("reading the status file %s: %w", path, err)
	}
	return s, nil
}

// parseStatus parses the lines of a status file.
func parseStatus(f io.Reader) (workers []starter.Worker, err error) {
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
		workers = append(workers, starter.Worker{Generation: g, PID: p})
	}
	return workers, nil
}
