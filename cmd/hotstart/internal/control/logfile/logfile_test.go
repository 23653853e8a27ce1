package logfile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
)

// at returns files at fixed paths.
func at(paths ...string) Files {
	return Files{Paths: func() []string { return paths }, Clean: strings.TrimSpace}
}

// last returns the last n lines.
func last(t *testing.T, f Files, n int) (lines []string) {
	t.Helper()
	for objects := range f.Follow(t.Context(), n, false) {
		lines = append(lines, texts(t, objects)...)
	}
	return lines
}

func texts(t *testing.T, objects [][]byte) (lines []string) {
	t.Helper()
	for _, o := range objects {
		var l control.Line
		if err := json.Unmarshal(o, &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l.Text)
	}
	return lines
}

// add appends to a file.
func add(t *testing.T, f *os.File, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(f, format, args...); err != nil {
		t.Fatal(err)
	}
}

// open opens a log file as the starter does.
func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.log")
	log := open(t, path)
	for _, test := range []struct {
		add  string
		last int
		want []string
	}{
		{"", 9, nil},
		{"one\ntwo\r\n", 9, []string{"one", "two"}},
		{"\nthree", 9, []string{"one", "two", "", "three"}},
		{" and a half\n", 2, []string{"", "three and a half"}},
		{"four\n", 0, nil},
	} {
		add(t, log, "%s", test.add)
		got := last(t, at(path, path), test.last) // the second path is the same file
		if !slices.Equal(got, test.want) {
			t.Errorf("after %q: got %q, want %q", test.add, got, test.want)
		}
	}
}

// Of a large file, only whole lines of the last MiB are read.
func TestLargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.log")
	log := open(t, path)
	line := strings.Repeat("x", 99)
	for i := range 3 * maxLast / 100 {
		add(t, log, "%07d%s\n", i, line[:92])
	}
	got := last(t, at(path), 1<<30)
	if len(got) < maxLast/100-2 || len(got) > maxLast/100 {
		t.Errorf("%d lines", len(got))
	}
	for _, l := range got {
		if len(l) != 99 {
			t.Fatalf("a line is cut: %q", l)
		}
	}
}

// What is not a regular file is not opened: that could wait, or have an effect.
func TestOtherFilesDoNotCount(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if exist, err := at(fifo, dir, os.DevNull, filepath.Join(dir, "missing"), "").Check(); exist || err != nil {
		t.Errorf("got %v, %v", exist, err)
	}
	path := filepath.Join(dir, "api.log")
	open(t, path)
	if exist, err := at(fifo, path).Check(); !exist || err != nil {
		t.Errorf("got %v, %v", exist, err)
	}
}

// A line without an end does not fill the memory.
func TestEndlessLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.log")
	log := open(t, path)
	f := follow(t, at(path))
	for range 3 {
		add(t, log, "%s", strings.Repeat("x", maxLine))
		f.next(strings.Repeat("x", maxLine))
	}
}

// follower collects the lines of a client that follows.
type follower struct {
	*testing.T
	lines chan string
}

func follow(t *testing.T, f Files) follower {
	ctx, cancel := context.WithCancel(t.Context())
	c, ended := follower{t, make(chan string, 100)}, make(chan bool)
	go func() {
		defer close(ended)
		for objects := range f.Follow(ctx, 9, true) {
			for _, l := range texts(t, objects) {
				c.lines <- l
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return c
}

// next fails unless the next line is the wanted one.
func (f follower) next(want string) {
	f.Helper()
	select {
	case got := <-f.lines:
		if got != want {
			f.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		f.Fatalf("no line, want %q", want)
	}
}

// A rotation renames the file. Workers that run keep writing to the old one, and hotstart
// writes to the new one.
func TestFollowThroughARotation(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "api.log")
	old := open(t, path)
	add(t, old, "one\n")
	paths := make(chan []string, 1)
	paths <- []string{path}
	f := follow(t, Files{Clean: strings.TrimSpace, Paths: func() []string {
		p := <-paths
		paths <- p
		return p
	}})
	f.next("one")
	add(t, old, "two\nthr")
	f.next("two")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	log := open(t, path)
	<-paths
	paths <- []string{path + ".1", path}
	add(t, old, "ee\n")
	f.next("three")
	add(t, log, "four\n")
	f.next("four")
	add(t, old, "five\nthe end")
	f.next("five")
	<-paths
	paths <- []string{path} // the old worker has exited
	f.next("the end")
	add(t, log, "six\n")
	f.next("six")
}

// A rotation by copying truncates the file.
func TestFollowATruncatedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "api.log")
	log := open(t, path)
	add(t, log, "one\ntwo\n")
	f := follow(t, at(path))
	f.next("one")
	f.next("two")
	if err := log.Truncate(0); err != nil {
		t.Fatal(err)
	}
	add(t, log, "3\n")
	f.next("3")
}
