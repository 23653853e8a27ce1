package watcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o666))
}

// fixture is a running Watcher with its own directory.
type fixture struct {
	testing.TB
	*Watcher
	dir string

	mu  sync.Mutex
	log strings.Builder

	sentinels int
}

// watch runs a Watcher until the test ends, and checks that Run returns.
func watch(t testing.TB, o Options) *fixture {
	t.Helper()
	// Symbolic links resolved: on macOS the directory for temporary files is one.
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	f := &fixture{TB: t, dir: dir}
	o.Logf = f.logf
	if o.MaxDelay == 0 {
		o.MaxDelay = 400 * time.Millisecond // a busy machine may be slow to write what it has truncated
	}
	f.Watcher, err = New(o)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return f
}

func (f *fixture) logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(&f.log, format+"\n", args...)
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fixture) paths(names ...string) []string {
	var paths []string
	for _, name := range names {
		paths = append(paths, f.path(name))
	}
	return paths
}

func (f *fixture) mkdir(name string) {
	f.Helper()
	must(f, os.MkdirAll(f.path(name), 0o777))
}

func (f *fixture) write(name, text string) {
	f.Helper()
	write(f, f.path(name), text)
}

func (f *fixture) rename(from, to string) {
	f.Helper()
	must(f, os.Rename(f.path(from), f.path(to)))
}

func (f *fixture) removeAll(name string) {
	f.Helper()
	must(f, os.RemoveAll(f.path(name)))
}

// set watches these files, and reports no file as changed.
func (f *fixture) set(files Files) {
	f.Helper()
	must(f, f.Watch(files, time.Time{}))
}

// receive returns the next batch.
func (f *fixture) receive() Batch {
	f.Helper()
	select {
	case b, ok := <-f.Batches():
		if !ok {
			f.Fatal("the batches have ended")
		}
		return b
	case <-time.After(10 * time.Second):
		f.Fatal("no batch for 10 s")
		panic("unreachable")
	}
}

// expect receives batches until each of the names was in one, and reports any other.
func (f *fixture) expect(names ...string) {
	f.Helper()
	want := f.paths(names...)
	for missing := slices.Clone(want); len(missing) > 0; {
		for _, path := range f.receive().Paths {
			if !slices.Contains(want, path) {
				f.Errorf("%s is reported; want only %q", path, names)
			}
			missing = slices.DeleteFunc(missing, func(p string) bool { return p == path })
		}
	}
}

// expectNoMore checks that no change is reported before a change that it makes now, in dir, which must be watched.
func (f *fixture) expectNoMore(dir string) {
	f.Helper()
	f.sentinels++
	name := filepath.Join(dir, fmt.Sprintf("sentinel%d.go", f.sentinels))
	f.write(name, "x")
	f.expect(name)
}

// watches returns the names under which the kernel watches directories, relative to the fixture's.
func (f *fixture) watches() []string {
	f.Watcher.mu.Lock()
	defer f.Watcher.mu.Unlock()
	var names []string
	for _, e := range f.Watcher.set.watches.byInode {
		name, err := filepath.Rel(f.dir, e.label)
		must(f, err)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
