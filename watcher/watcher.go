// Package watcher tells which files changed: early, once, and only if what they hold changed.
//
// It watches directories, never single files, so it doesn't matter how an editor saves: a file that is written in
// place, truncated and written, or replaced by renaming another over it is one change of one file. What a file holds is
// remembered as a hash: a touch, a chmod, or the same bytes written again is not a change. Changes are gathered into
// batches that settle within milliseconds.
//
// Where the kernel has no events, or no room for more watches, directories are polled instead.
//
// Not seen: a change behind a symbolic link to a file in a directory that is not watched itself (unless it is polled),
// what is written through a memory map (inotify(7) does not tell), and, until the next call of Watch, that a directory
// above the watched ones, and not watched itself, was moved away and another put in its place.
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

// Files says what is watched. Directories that don't exist, or not any more, are waited for. One that is a symbolic
// link is followed, and its files are reported by the name given here; links below a tree are not followed.
type Files struct {
	Dirs  []string               // absolute directories, each without what is below it
	Trees []string               // absolute directories, each with every directory below it, save those that Skip names
	Skip  func(dir string) bool  // nil: none. Asked for each directory below a tree; what it names is left out with all below
	Match func(path string) bool // does a change of this file count? nil: every file does. Pure; may be called from several goroutines, also for files that no longer exist
}

// Options are how to watch. The zero value is a good one.
type Options struct {
	// Poll is 0 for the kernel's events, with polling only where they don't come, every 500 ms. Above 0, everything is
	// polled at this interval. A poll lists each directory and asks for the stat of each file that counts: some 30 ms of
	// one processor for 500 directories with 5,000 files on a local disk, many times that over a network.
	Poll time.Duration
	// Quiet ends a batch: nothing that counts came for so long. 0: 2 ms.
	Quiet time.Duration
	// Longest ends a batch though it isn't quiet. It is also how long a file that has become missing or empty may take
	// to be written (editors remove or truncate first) before that is a change. 0: 100 ms.
	Longest time.Duration
	// Logf receives, once for each reason, a message that the watcher polls, why, and what to do about it. nil: silent.
	// It is called from New, Watch and Run, and must not call Watch or Close.
	Logf func(format string, args ...any)

	// For tests. nil: what the system has.
	events func() (*source, error)
	fsType func(dir string) string
}

// Batch is one or more changes that belong together.
type Batch struct {
	Paths []string  // absolute, sorted, each once: files whose content (or existence) differs from what was last known
	Since time.Time // when the first event of the batch came
}

// Watcher watches files. Make it with New; Run does the work.
type Watcher struct {
	batches chan Batch
	inbox   *inbox
	filled  chan struct{} // closed when no event can come any more
	source  *source       // nil: everything is polled

	closing sync.Once
	closed  chan struct{}

	mu   sync.Mutex // held while the set is used: by Run, Watch and Close
	set  *set
	done bool // closed, under mu
}

// source is the events of the kernel.
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

// errClosed is what a Watcher answers after Close, or when Run has returned.
var errClosed = errors.New("the watcher is closed")

// New returns a Watcher that watches nothing yet. It holds an inotify instance, if there is one to have, until Run
// returns or, when Run is never called, until Close. The error is about a negative option.
func New(o Options) (*Watcher, error) {
	if shortest := min(o.Poll, o.Quiet, o.Longest); shortest < 0 {
		return nil, fmt.Errorf("watching files with a negative time, %v", shortest)
	}
	o = o.withDefaults()
	w := &Watcher{
		batches: make(chan Batch),
		inbox:   newInbox(),
		filled:  make(chan struct{}),
		closed:  make(chan struct{}),
		set:     newSet(o),
	}
	if o.Poll > 0 || !w.open(o.events) {
		close(w.filled)
	}
	return w, nil
}

// open has the kernel's events flow into the inbox, if they come.
func (w *Watcher) open(events func() (*source, error)) bool {
	source, err := events()
	if err != nil {
		w.set.polling.off(err)
		return false
	}
	w.source, w.set.eyes.kernel = source, source
	go func() { // ends when the source is closed
		defer close(w.filled)
		w.inbox.fill(source.events, source.errors)
	}()
	return true
}

// Watch replaces what is watched. When it returns, every later change is seen. A file that is new to the set counts as
// changed if its modification time is not before since: the build that the set comes from began then, and may have read
// it before it was modified. (File times are coarse; one that is up to 10 ms older counts as well, or 2 s where times
// are whole seconds.) Other new files are taken as known; with a zero since, all are. What is in the set already keeps
// what is known of it, and changes of it that were not received yet.
//
// Watch may be called from any goroutine, also before Run. It fails on a relative path, and after Close.
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
		return errClosed
	}
	w.set.replace(time.Now(), f, since)
	w.inbox.poke()
	return nil
}

// Batches returns the channel that Run sends on and closes when it returns. While nobody receives, batches become one.
func (w *Watcher) Batches() <-chan Batch { return w.batches }

// Run sends batches until ctx is done or Close is called, then frees everything; no goroutine outlives it. It can be
// called once. It returns nil: what goes wrong with the kernel's events leads to polling.
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
			alarm.Reset(time.Until(due)) // an alarm that comes too early does nothing
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

// step does what is due. It returns what can be sent, and when to step again if nothing comes before: zero for never.
func (w *Watcher) step(now time.Time) (Batch, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return Batch{}, time.Time{}
	}
	marks, lost := w.inbox.take()
	return w.set.step(now, marks, lost)
}

func (w *Watcher) sent(b Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set.untold.sent(b)
}

// Close ends Run, and frees what New took if Run was never called; Batches stays open then. It may be called from any
// goroutine, more than once.
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
	if o.Quiet == 0 {
		o.Quiet = 2 * time.Millisecond
	}
	if o.Longest == 0 {
		o.Longest = 100 * time.Millisecond
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
