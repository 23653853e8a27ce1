package logfile

import (
	"bytes"
	"io"
	"os"
	"slices"
	"syscall"
)

// tail reads a file that grows.
type tail struct {
	file   *os.File
	info   os.FileInfo // identifies the file
	offset int64       // of the next byte to read
	begun  []byte      // beginning of a line that has no end yet
	cut    bool        // the next bytes are the end of a line that is not shown
	left   bool        // no process writes to the file any more
}

// maxLine is the length in bytes from which on a line without an end is shown.
const maxLine = 16 << 10

// openTail opens a regular file to read the last n bytes and what follows. It returns nil
// for another kind of file. Opening a FIFO or a device could have an effect.
func openTail(path string, n int64) (*tail, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, err
	}
	start := max(0, info.Size()-n)
	return &tail{file: f, info: info, offset: start, cut: start > 0}, nil
}

// read returns the lines that end within the next n bytes, and reports whether the file
// has ended.
func (t *tail) read(n int64) (lines []string, ended bool) {
	if info, err := t.file.Stat(); err == nil && info.Size() < t.offset { // truncated by a rotation
		t.offset, t.begun, t.cut = 0, nil, false
	}
	b, _ := io.ReadAll(io.NewSectionReader(t.file, t.offset, n))
	t.offset += int64(len(b))
	ended = int64(len(b)) < n
	for line := range bytes.Lines(b) {
		whole := bytes.HasSuffix(line, []byte("\n"))
		if t.cut {
			t.cut = !whole
			continue
		}
		if t.begun = append(t.begun, line...); whole || len(t.begun) >= maxLine {
			lines = append(lines, string(bytes.TrimRight(t.begun, "\r\n")))
			t.begun = nil
		}
	}
	return lines, ended
}

// partial returns the beginning of the last line, if the line has no end.
func (t *tail) partial() []string {
	if len(t.begun) == 0 {
		return nil
	}
	return []string{string(t.begun)}
}

// tails are the files that a client follows.
type tails []*tail

// update opens the files that were not open before, and marks those that are not among
// the paths any more.
func (t *tails) update(paths []string, n int64) (failed error) {
	for _, old := range *t {
		old.left = true
	}
	for _, path := range paths {
		next, err := openTail(path, n)
		if err != nil {
			failed = err
		}
		if next == nil {
			continue
		}
		if i := slices.IndexFunc(*t, func(old *tail) bool { return os.SameFile(old.info, next.info) }); i >= 0 {
			next.file.Close()
			(*t)[i].left = false
			continue
		}
		*t = append(*t, next)
	}
	return failed
}

// read returns the next lines of every file, and closes the files that have ended and
// that nobody writes to.
func (t *tails) read(n int64) (lines []string) {
	*t = slices.DeleteFunc(*t, func(file *tail) bool {
		more, ended := file.read(n)
		lines = append(lines, more...)
		if !file.left || !ended {
			return false
		}
		lines = append(lines, file.partial()...)
		file.file.Close()
		return true
	})
	return lines
}

// partial returns the last lines that have no end.
func (t *tails) partial() (lines []string) {
	for _, file := range *t {
		lines = append(lines, file.partial()...)
	}
	return lines
}

func (t *tails) close() {
	for _, file := range *t {
		file.file.Close()
	}
}
