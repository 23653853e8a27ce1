package watcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fussy is the real source of events with a fault.
type fussy struct {
	*source
	add func(dir string) error // an error to answer instead of watching
}

func (f *fussy) Add(dir string) error {
	if err := f.add(dir); err != nil {
		return err
	}
	return f.source.Add(dir)
}

// refusing returns a source of events that answers Add with the errors of add.
func refusing(add func(dir string) error) func() (*source, error) {
	return func() (*source, error) {
		s, err := openSource()
		if err != nil {
			return nil, err
		}
		return &source{&fussy{s, add}, s.events, s.errors, s.close}, nil
	}
}

// Polled files are created, changed and removed, on a fake clock.
func TestPolling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, Options{Poll: time.Second})
		f.mkdir("t/a")
		f.write("t/a/x", "x")
		f.write("t/a/y", "y")
		f.set(Files{Trees: f.paths("t"), Dirs: f.paths("later/on")})
		begin := time.Now()
		f.write("t/a/x", "longer")
		f.removeAll("t/a/y")
		f.mkdir("t/b/c")
		f.write("t/b/c/z", "z")
		f.mkdir("later/on")
		f.write("later/on/x", "x")
		b := f.receive()
		if want := f.paths("later/on/x", "t/a/x", "t/a/y", "t/b/c/z"); !slices.Equal(b.Paths, want) {
			t.Errorf("batch %q, want %q", b.Paths, want)
		}
		if got := time.Since(begin); got < time.Second || got > 2*time.Second {
			t.Errorf("the batch came after %v", got)
		}
		f.removeAll("t")
		f.removeAll("later")
		f.expect("later/on/x", "t/a/x", "t/b/c/z")
		f.mkdir("t/a")
		f.write("t/a/x", "longer")
		f.expect("t/a/x")
		f.expectNoMore("t/a")
	})
}

func TestPollingWhileAFileIsTruncated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, Options{Poll: time.Second, MaxDelay: 8 * time.Second})
		f.write("x", "old")
		f.set(Files{Dirs: f.paths("")})
		f.write("x", "")
		time.Sleep(5 * time.Second)
		select {
		case b := <-f.Batches():
			t.Errorf("batch %q of a file that is half written", b.Paths)
		default:
		}
		f.write("x", "longer")
		f.expect("x")
		begin := time.Now()
		f.write("x", "")
		f.expect("x")
		if got := time.Since(begin); got < 8*time.Second {
			t.Errorf("an emptied file was reported after %v", got)
		}
	})
}

// Without a directory to poll there is no timer: a clock that only timers move does not move.
func TestNoTimerAtRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, Options{Poll: time.Second})
		f.set(Files{})
		synctest.Wait()
		if batch, due := f.step(time.Now()); !due.IsZero() || len(batch.Paths) > 0 {
			t.Errorf("something is due at %v: %q", due, batch.Paths)
		}
	})
}

// At rest with the kernel's events there is no timer either.
func TestNoTimerAtRestWithEvents(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{fsType: func(string) string { return "" }})
	f.mkdir("t")
	f.set(Files{Dirs: f.paths("missing"), Trees: f.paths("t")})
	waitUntil(t, func() bool {
		_, due := f.step(time.Now())
		return due.IsZero()
	})
}

// A real clock: two modifications of equal size within one tick of the file system's clock.
func TestPollingSeesAChangeWithinOneTick(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{Poll: 20 * time.Millisecond})
	f.write("x", "one")
	info, err := os.Stat(f.path("x"))
	must(t, err)
	f.set(Files{Dirs: f.paths("")})
	f.write("x", "two")
	must(t, os.Chtimes(f.path("x"), info.ModTime(), info.ModTime()))
	f.expect("x")
}

func TestEventlessFileSystemIsPolled(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{
		// Changes on another machine: the share sends no events.
		events: func() (*source, error) {
			s, err := openSource()
			if err != nil {
				return nil, err
			}
			events := make(chan fsnotify.Event)
			go func() {
				defer close(events)
				for e := range s.events {
					if !strings.Contains(e.Name, "share") {
						events <- e
					}
				}
			}()
			return &source{s.kernel, events, s.errors, s.close}, nil
		},
		fsType: func(dir string) string {
			if strings.Contains(dir, "share") {
				return "9p"
			}
			return ""
		},
	})
	f.mkdir("local")
	f.mkdir("share/a")
	f.mkdir("share/b")
	f.write("share/b/x", "x")
	f.set(Files{Dirs: f.paths("local", "share/a", "share/b", "share/later")})
	f.write("local/x", "x")
	f.write("share/a/x", "x")
	f.write("share/b/x", "changed")
	f.mkdir("share/later")
	f.write("share/later/x", "x")
	f.expect("local/x", "share/a/x", "share/b/x", "share/later/x")
	if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "9p") || !strings.Contains(log, f.path("share/")) {
		t.Errorf("log %q, want one line that names the directory and why", log)
	}
	f.Watcher.mu.Lock()
	defer f.Watcher.mu.Unlock()
	if f.Watcher.set.dirs[f.path("local")].poll {
		t.Error("the local directory is polled too")
	}
}

func TestLimitOfWatches(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	limit, added := 2, 0
	f := watch(t, Options{events: refusing(func(string) error {
		mu.Lock()
		defer mu.Unlock()
		if added == limit {
			return syscall.ENOSPC
		}
		added++
		return nil
	})})
	for _, dir := range []string{"t/a", "t/b", "t/c"} {
		f.mkdir(dir)
	}
	f.set(Files{Trees: f.paths("t")})
	for _, dir := range []string{"t", "t/a", "t/b", "t/c"} {
		f.write(dir+"/x", "x")
	}
	f.mkdir("t/c/d")
	f.write("t/c/d/x", "x")
	f.expect("t/x", "t/a/x", "t/b/x", "t/c/x", "t/c/d/x")
	if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, remedy(syscall.ENOSPC)) {
		t.Errorf("log %q, want one line with the remedy", log)
	}
	if got := f.watches(); !slices.Equal(got, []string{"t", "t/a"}) {
		t.Errorf("the kernel watches %q", got)
	}

	mu.Lock()
	limit = 100
	mu.Unlock()
	waitUntil(t, func() bool { return len(f.watches()) == 5 })
	waitUntil(t, func() bool {
		f.Watcher.mu.Lock()
		defer f.Watcher.mu.Unlock()
		return !f.Watcher.set.polling.needed
	})
}

func TestLimitOfInstances(t *testing.T) {
	t.Parallel()
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE} {
		f := watch(t, Options{events: func() (*source, error) { return nil, os.NewSyscallError("inotify_init1", err) }})
		f.set(Files{Dirs: f.paths("")})
		f.write("x", "x")
		f.expect("x")
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, remedy(err)) || remedy(err) == "" {
			t.Errorf("log %q, want one line with the remedy", log)
		}
	}
}

// All events are lost, and the kernel reports that.
func TestOverflow(t *testing.T) {
	t.Parallel()
	overflows := make(chan error)
	f := watch(t, Options{events: func() (*source, error) {
		s, err := openSource()
		if err != nil {
			return nil, err
		}
		events := make(chan fsnotify.Event)
		closed := sync.OnceFunc(func() { close(events); close(overflows) })
		go func() {
			for range s.events {
			}
			closed()
		}()
		return &source{s.kernel, events, overflows, s.close}, nil
	}})
	f.mkdir("t/gone")
	f.write("t/gone/x", "x")
	f.write("t/same", "same")
	f.write("t/changed", "one")
	info, err := os.Stat(f.path("t/changed"))
	must(t, err)
	f.set(Files{Trees: f.paths("t"), Dirs: f.paths("missing")})
	f.write("t/changed", "two")
	must(t, os.Chtimes(f.path("t/changed"), info.ModTime(), info.ModTime()))
	f.removeAll("t/gone")
	f.mkdir("t/new")
	f.write("t/new/x", "x")
	f.mkdir("missing")
	f.write("missing/x", "x")
	overflows <- fsnotify.ErrEventOverflow
	f.expect("missing/x", "t/changed", "t/gone/x", "t/new/x")
	if got := f.watches(); !slices.Equal(got, []string{"missing", "t", "t/new"}) {
		t.Errorf("the kernel watches %q", got)
	}
}

// A directory that can't be read is polled until it becomes readable.
func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	refused := error(&os.PathError{Op: "watch", Err: syscall.EACCES})
	f := watch(t, Options{events: refusing(func(string) error {
		mu.Lock()
		defer mu.Unlock()
		return refused
	})})
	f.write("x", "x")
	info, err := os.Stat(f.path("x"))
	must(t, err)
	f.set(Files{Dirs: f.paths("")})
	f.write("x", "y")
	must(t, os.Chtimes(f.path("x"), info.ModTime(), info.ModTime())) // as within one tick of the file system's clock
	mu.Lock()
	refused = nil
	mu.Unlock()
	f.expect("x")
	waitUntil(t, func() bool { return len(f.watches()) == 1 })
	if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "permission denied") {
		t.Errorf("log %q, want one line that says why", log)
	}
}

func TestPollingNext(t *testing.T) {
	t.Parallel()
	p := polling{interval: time.Second}
	if !p.next(at(0)).IsZero() || p.due(at(5000)) {
		t.Error("a poll that nobody needs is due")
	}
	p.needed = true
	if got := p.next(at(0)); !got.Equal(at(1000)) {
		t.Errorf("next after %v, want 1 s", got.Sub(start))
	}
	if got := p.next(at(900)); !got.Equal(at(1000)) {
		t.Errorf("next put off to %v", got.Sub(start))
	}
	if p.due(at(999)) || !p.due(at(1000)) {
		t.Error("due disagrees with next")
	}
	p.needed = false
	p.next(at(1000))
	if p.due(at(2000)) {
		t.Error("due though not needed any more")
	}
}

func TestRemedy(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the limits are those of inotify")
	}
	for err, want := range map[error]string{
		syscall.ENOSPC: "sysctl fs.inotify.max_user_watches=",
		syscall.EMFILE: "sysctl fs.inotify.max_user_instances=",
		syscall.ENFILE: "open files",
	} {
		if got := remedy(os.NewSyscallError("inotify", err)); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := remedy(syscall.EACCES); got != "" {
		t.Errorf("a remedy for what has none: %q", got)
	}
}

func TestReasonIsWithoutTheDirectory(t *testing.T) {
	t.Parallel()
	one, other := &os.PathError{Op: "stat", Path: "/a", Err: syscall.ELOOP}, &os.PathError{Op: "stat", Path: "/b", Err: syscall.ELOOP}
	if reason(one) != reason(other) {
		t.Errorf("%q and %q", reason(one), reason(other))
	}
	if got := reason(errors.New("other")); got != "other" {
		t.Errorf("%q", got)
	}
}

// Run ends although the batch is not received.
func TestRunEndsWithABatchUnsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, err := New(Options{Poll: time.Second})
		must(t, err)
		dir := t.TempDir()
		must(t, w.Watch(Files{Dirs: []string{dir}}, time.Time{}))
		write(t, filepath.Join(dir, "x"), "x")
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		must(t, w.Run(ctx))
	})
}
