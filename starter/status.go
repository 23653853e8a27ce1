package starter

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// A statusFile tells other processes which workers live. It is replaced as a
// whole, so that nobody reads half of it.
type statusFile struct {
	path    string // "": there is none
	written string
	created bool
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
	if err := s.writeDraft(""); err != nil {
		return nil, fmt.Errorf("writing the status file: %w", err)
	}
	return s, os.Remove(s.draft())
}

func (s *statusFile) draft() string { return fmt.Sprintf("%s.%d", s.path, os.Getpid()) }

// writeDraft makes the file anew: in a folder that others write to, its name
// may be a link that one of them has laid.
func (s *statusFile) writeDraft(lines string) error {
	os.Remove(s.draft())
	f, err := os.OpenFile(s.draft(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(lines)
	return errors.Join(err, f.Close())
}

// write puts the workers into the file, if that is news.
func (s *statusFile) write(workers []Worker) error {
	lines := statusLines(workers)
	if s.path == "" || lines == s.written || !s.created && lines == "" {
		return nil
	}
	s.written = lines // what can't be written is not tried again until it changes
	err := s.writeDraft(lines)
	if err == nil {
		err = os.Rename(s.draft(), s.path)
	}
	if err != nil {
		os.Remove(s.draft())
		return fmt.Errorf("writing the status file: %w", err)
	}
	s.created = true
	return nil
}

func (s *statusFile) close() {
	if s.created {
		os.Remove(s.path)
	}
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
