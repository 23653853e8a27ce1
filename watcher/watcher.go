// Package watcher reports changed files: early, once, and only if their content changed.
//
// It watches directories, never single files, so it does not matter how an editor saves: a file that is written in
// place, truncated and written, or replaced by a rename is one change of one file. It keeps a hash of the content of
// each file: a touch, a chmod, or writing the same bytes again is not a change. It debounces changes into batches,
// which settle within milliseconds.
//
// If the kernel has no events, or refuses more watches, it polls directories instead.
//
// It does not see a change of the target of a symbolic link, if the target's directory is neither watched nor polled. It
// does not see a write through a memory map (inotify(7)). And until the next call of Watch, it does not see that a
// parent directory, which is not watched itself, was replaced.
package watcher

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Files selects the watched files. A directory that does not exist is watched once it is created. A directory that is a
// symbolic link is followed, and its files are reported under the name given here; links below a tree are not followed.
type Files struct {
	Dirs  []string               // absolute directories, without their subdirectories
	Trees []string               // absolute directories, with all directories below them
	Skip  func(dir string) bool  // whether to skip a directory below a tree, with everything below it; nil skips none
	Match func(path string) bool // whether to watch a file; nil watches all. Called from several goroutines, also for missing files
}

// Options are the options of a Watcher. The zero value is useful.
type Options struct {
	// Poll is the interval at which everything is polled. 0 uses the kernel's events, and polls only directories without
	// events, every 500 ms. A poll lists each directory and calls stat for each watched file: some 30 ms of one processor
	// for 500 directories with 5,000 files on a local disk, many times that over a network.
	Poll time.Duration
	// Settle is the time without another change that ends a batch. 0: 2 ms.
	Settle time.Duration
	// MaxDelay is the maximum time from the first change of a batch to its end. A file that has become missing or empty
	// is a change only after this time: many editors remove or truncate a file before they write it. 0: 100 ms.
	MaxDelay time.Duration
	// MarkerDir is an empty directory of the caller, in which Flush creates files for a moment. Empty: Flush compares
	// every watched file.
	MarkerDir string
	// Logf receives a message, once for each reason, when the watcher polls: it has the reason and a remedy. nil logs
	// nothing. Logf is called from New, Watch and Run, and must not call Watch or Close.
	Logf func(format string, args ...any)

	// For tests; nil uses the system's.
	events func() (*source, error)
	fsType func(dir string) string
}

// Batch is a set of changes that were made within a short time.
type Batch struct {
	Paths []string  // absolute paths of files whose content or existence has changed; sorted, without duplicates
	Since time.Time // time of the first event of the batch
}

// Watcher watches files. Make it with New; Run does the work.
type Watcher struct {
	batches chan Batch
	inbox   *inbox
	filled  chan struct{} // closed after the last event
	source  *source       // nil if everything is polled

	closing sync.Once
	closed  chan struct{}

	mu   sync.Mutex // guards set, which Run, Watch and Close use
	set  *set
	done bool // closed; guarded by mu

	// Guarded by mu, for Flush.
	flushes   []*flush // under way
	markerDir string
	markers   int // files that were created there
}

// source is a source of events of the kernel.
type source struct {
	kernel
	events <-chan fsnotify.Event
	errors <-chan error
	close  func() error // ends both channels
}

func openSource() (*source, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &source{w, w.Events, w.Errors, w.Close}, nil
}

// New returns a Watcher that watches no file yet. It holds an inotify instance, if one is available, until Run
// returns, or until Close if Run is never called. It returns an error for a negative option.
func New(o Options) (*Watcher, error) {
	if shortest := min(o.Poll, o.Settle, o.MaxDelay); shortest < 0 {
		return nil, fmt.Errorf("watching files with a negative time, %v", shortest)
	}
	o = o.withDefaults()
	w := &Watcher{
		batches: make(chan Batch),
		inbox:   &inbox{ready: make(chan struct{}, 1)},
		filled:  make(chan struct{}),
		closed:  make(chan struct{}),
		set:     newSet(o),

		markerDir: o.MarkerDir,
	}
	if o.Poll > 0 || !w.open(o.events) {
		close(w.filled)
	}
	return w, nil
}

// open starts to receive the kernel's events into the inbox. It returns false if there are no events.
func (w *Watcher) open(events func() (*source, error)) bool {
	source, err := events()
	if err != nil {
		w.set.polling.refused("files", "all", err)
		return false
	}
	w.source, w.set.watches.kernel = source, source
	go func() { // ends when the source is closed
		defer close(w.filled)
		w.inbox.fill(source.events, source.errors)
	}()
	return true
}

// Watch replaces the set of watched files. When it returns, every later change is seen.
//
// since is the time when the build began that the set comes from. A file that is new to the set and was modified at
// since or later is reported as changed: the build may have read it before. (File times are coarse: a file that is up to
// 10 ms older is reported as well, or up to 2 s older if its time has whole seconds.) Other new files are not reported;
// with a zero since, no new file is. For a file that was in the set before, its known state and its pending changes
// stay.
//
// Watch may be called from any goroutine, also before Run. It fails for a relative path, and after Close.
func (w *Watcher) Watch(f Files, since time.Time) error {
	for _, dirs := range [][]string{f.Dirs, f.Trees} {
		for _, dir := range dirs {
			if !filepath.IsAbs(dir) {
				return fmt.Errorf("watching %q: not an absolute path", dir)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return errors.New("the watcher is closed")
	}
	w.set.replace(time.Now(), f, since)
	w.inbox.wake()
	return nil
}

// Batches returns the channel on which Run sends, and which it closes when it returns. Batches that are not received are
// merged into one.
func (w *Watcher) Batches() <-chan Batch { return w.batches }

// Run sends batches until ctx is done or Close is called. Then it releases all resources; no goroutine outlives it. It
// can be called once. It returns nil: errors of the kernel's events lead to polling.
func (w *Watcher) Run(ctx context.Context) error {
	defer close(w.batches)
	defer w.Close()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		batch, due := w.step(time.Now())
		out := w.batches
		if len(batch.Paths) == 0 {
			out = nil
		}
		if !due.IsZero() {
			alarm.Reset(time.Until(due)) // an early alarm does nothing
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.closed:
			return nil
		case <-w.inbox.ready:
		case <-alarm.C:
		case out <- batch:
			w.sent(batch)
		}
	}
}

// step does what is due. It returns the batch to send, which may be empty, and the time of the next step without an
// event; zero for never.
func (w *Watcher) step(now time.Time) (Batch, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return Batch{}, time.Time{}
	}
	marks, lost := w.inbox.take()
	w.receive(now, marks, lost)
	batch, due := w.set.step(now, marks, lost)
	w.advance(batch)
	return batch, due
}

func (w *Watcher) sent(b Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set.pending.sent(b)
	w.endFlushes()
}

// Close ends Run. If Run was never called, Close releases the resources of New, and Batches stays open. It may be called
// from any goroutine, more than once.
func (w *Watcher) Close() error {
	var err error
	w.closing.Do(func() {
		close(w.closed)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done = true
		if w.source != nil {
			err = w.source.close()
		}
	})
	<-w.filled
	return err
}

func (o Options) withDefaults() Options {
	if o.Settle == 0 {
		o.Settle = 2 * time.Millisecond
	}
	if o.MaxDelay == 0 {
		o.MaxDelay = 100 * time.Millisecond
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.events == nil {
		o.events = openSource
	}
	if o.fsType == nil {
		o.fsType = fsType
	}
	return o
}
