package watcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// received counts how often each file was received. A question is answered between two batches, as by a loop that
// receives them.
type received struct {
	times     map[string]int
	questions chan func()
}

func (r *received) of(path string) (times int) {
	answered := make(chan struct{})
	r.questions <- func() { times = r.times[path]; close(answered) }
	<-answered
	return times
}

// receiveAll receives batches until the test ends.
func (f *fixture) receiveAll() *received {
	r := &received{times: map[string]int{}, questions: make(chan func())}
	go func() { // ends with Run
		for {
			select {
			case b, ok := <-f.Batches():
				if !ok {
					return
				}
				for _, path := range b.Paths {
					r.times[path]++
				}
			case answer := <-r.questions:
				answer()
			}
		}
	}()
	return r
}

func TestFlushDeliversEarlierChanges(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"events":              {MarkerDir: t.TempDir()},
		"events, no markers":  {},
		"polling":             {Poll: time.Hour},
		"polling and markers": {Poll: time.Hour, MarkerDir: t.TempDir()},
		"no events":           {MarkerDir: t.TempDir(), events: func() (*source, error) { return nil, errors.New("refused") }},
		"markers impossible":  {MarkerDir: filepath.Join(t.TempDir(), "missing")},
		"markers not seen":    {MarkerDir: t.TempDir(), fsType: func(string) string { return "nfs" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := watch(t, o)
			f.mkdir("sub")
			f.write("a.go", "0")
			f.write("sub/b.go", "0")
			f.set(Files{Trees: f.paths(""), Match: isGo})
			got := f.receiveAll()
			for i := 1; i <= 40; i++ {
				path := f.path([]string{"a.go", "sub/b.go"}[i%2])
				before := got.of(path)
				if i%4 < 2 {
					write(t, path, fmt.Sprint(i))
				} else {
					write(t, path+".new", fmt.Sprint(i))
					must(t, os.Rename(path+".new", path))
				}
				must(t, f.Flush(t.Context()))
				if got.of(path) == before {
					t.Fatalf("change %d was not received before Flush returned", i)
				}
			}
			sub := f.path("new/deep")
			must(t, os.MkdirAll(sub, 0o777))
			write(t, filepath.Join(sub, "c.go"), "new")
			must(t, f.Flush(t.Context()))
			if got.of(filepath.Join(sub, "c.go")) == 0 {
				t.Error("a file of a new directory was not received before Flush returned")
			}
		})
	}
}

// Many callers flush while a file changes without a pause.
func TestFlushReturnsDuringChanges(t *testing.T) {
	t.Parallel()
	f := watch(t, Options{MarkerDir: t.TempDir()})
	f.write("a.go", "0")
	f.set(Files{Dirs: f.paths(""), Match: isGo})
	got := f.receiveAll()
	stop := make(chan struct{})
	var writers, callers sync.WaitGroup
	writers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				os.WriteFile(f.path("busy.go"), []byte(fmt.Sprint(i)), 0o666)
			}
		}
	})
	for n := range 8 {
		callers.Go(func() {
			for i := range 10 {
				path := f.path(fmt.Sprintf("own%d.go", n))
				before := got.of(path)
				os.WriteFile(path, []byte(fmt.Sprint(i)), 0o666)
				if err := f.Flush(t.Context()); err != nil || got.of(path) == before {
					t.Errorf("change %d of %s was not received before Flush returned: %v", i, path, err)
					return
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	writers.Wait()
}

// A queue that overflows has lost the marker, too.
func TestFlushAfterLostEvents(t *testing.T) {
	t.Parallel()
	failures := make(chan error)
	f := watch(t, Options{MarkerDir: t.TempDir(), events: func() (*source, error) {
		events := make(chan fsnotify.Event)
		return &source{noKernel{}, events, failures, func() error { close(events); close(failures); return nil }}, nil
	}})
	f.write("a.go", "old")
	f.set(Files{Dirs: f.paths(""), Match: isGo})
	got := f.receiveAll()
	f.write("a.go", "new")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Flush returned %v before the events", err)
	}
	flushed := make(chan error)
	go func() { flushed <- f.Flush(t.Context()) }()
	failures <- fsnotify.ErrEventOverflow
	for {
		select {
		case err := <-flushed:
			if err != nil || got.of(f.path("a.go")) == 0 {
				t.Errorf("the change was not received before Flush returned: %v", err)
			}
			return
		case failures <- fsnotify.ErrEventOverflow: // the first may have come before the call
		}
	}
}

type noKernel struct{}

func (noKernel) Add(string) error    { return nil }
func (noKernel) Remove(string) error { return nil }

func TestFlushEndsWithTheWatcher(t *testing.T) {
	t.Parallel()
	w, err := New(Options{MarkerDir: t.TempDir()})
	must(t, err)
	flushed := make(chan error)
	go func() { flushed <- w.Flush(context.Background()) }()
	must(t, w.Close())
	if err := <-flushed; err == nil {
		t.Error("Flush returned no error")
	}
}

func BenchmarkFlush(b *testing.B) {
	f := watch(b, Options{MarkerDir: b.TempDir()})
	for i := range 100 {
		f.write(fmt.Sprintf("%d.go", i), "x")
	}
	f.set(Files{Dirs: f.paths(""), Match: isGo})
	f.receiveAll()
	for b.Loop() {
		must(b, f.Flush(b.Context()))
	}
}
