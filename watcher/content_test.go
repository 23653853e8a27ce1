package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func readOne(path string) file { return readFiles([]string{path}, start)[0] }

func TestReadFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write(t, path("a"), "one")
	write(t, path("b"), "one")
	write(t, path("c"), "two")
	write(t, path("empty"), "")
	must(t, os.Symlink("a", path("link")))
	must(t, os.Symlink("nowhere", path("dangling")))
	must(t, os.Mkdir(path("dir"), 0o777))
	must(t, syscall.Mkfifo(path("fifo"), 0o666)) // reading it would wait for a writer

	read := func(name string) content { return readOne(path(name)).content }
	if read("a") != read("b") || read("a") != read("link") {
		t.Error("the same bytes differ")
	}
	if read("a") == read("c") || read("a") == read("empty") || read("empty") == (content{}) {
		t.Error("different bytes are the same")
	}
	for _, name := range []string{"missing", "dangling", "dir", "fifo", "a/below"} {
		if got := readOne(path(name)); got != (file{}) {
			t.Errorf("%s: %+v, want nothing", name, got)
		}
		if got := statFile(path(name)); got != (stat{}) {
			t.Errorf("stat of %s: %+v, want nothing", name, got)
		}
	}
}

func TestReadFileUnreadable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	write(t, path, "one")
	must(t, os.Chmod(path, 0))
	if f, err := os.Open(path); err == nil {
		f.Close()
		path = "/proc/self/mem" // root opens every file, but this one can't be read from its beginning
		if _, err := os.ReadFile(path); err == nil || os.IsNotExist(err) {
			t.Skip("this user can read everything")
		}
	}
	got := readOne(path)
	if !got.exists || !got.unreadable || got.trusted() {
		t.Errorf("%+v, want an unreadable file that is not trusted", got)
	}
}

func TestReadFilesKeepsTheOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var paths []string
	for i := range 100 {
		path := filepath.Join(dir, fmt.Sprint(i))
		write(t, path, fmt.Sprint("content ", i))
		paths = append(paths, path)
	}
	for i, got := range readFiles(paths, start) {
		if want := readOne(paths[i]); got != want {
			t.Errorf("file %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestTrusted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		read time.Duration // after the modification
		want bool
	}{
		{"read right after it was written", 0, false},
		{"read within a tick of the coarsest clock", time.Second, false},
		{"read long after", 3 * time.Second, true},
		{"written by a clock that is far ahead", -time.Hour, true},
	} {
		longAgo := start.Add(-24 * time.Hour).UnixNano()
		for _, times := range []stat{{mtime: start.UnixNano(), ctime: longAgo}, {mtime: longAgo, ctime: start.UnixNano()}} {
			f := file{stat: times, read: start.Add(test.read)}
			if got := f.trusted(); got != test.want {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	}
}

// A rewritten file may have the same size, modification time and inode: polling must see the change.
func TestStatOfAFileRewrittenWithItsTime(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{})
	f.write("x", "one")
	before := statFile(f.path("x"))
	f.later() // the kernel's clock goes by ticks
	f.write("x", "two")
	must(t, os.Chtimes(f.path("x"), start, time.Unix(0, before.mtime)))
	after := statFile(f.path("x"))
	if after == before || after.mtime != before.mtime || after.inode != before.inode {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestModifiedSince(t *testing.T) {
	t.Parallel()
	since := start.Add(500*time.Millisecond + 3)
	for _, test := range []struct {
		name  string
		mtime time.Time
		want  bool
	}{
		{"before", since.Add(-20 * time.Millisecond), false},
		{"a tick before", since.Add(-9 * time.Millisecond), true},
		{"at the time", since, true},
		{"after", since.Add(time.Second), true},
		{"in the same second, where times are whole seconds", since.Truncate(time.Second), true},
		{"in the same two seconds, where times are even seconds", since.Truncate(time.Second).Add(-time.Second), true},
		{"seconds before, where times are whole seconds", since.Truncate(time.Second).Add(-2 * time.Second), false},
	} {
		if got := modifiedSince(test.mtime.UnixNano(), since); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
