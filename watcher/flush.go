package watcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// flush is one call of Flush.
type flush struct {
	marker  string // file whose event comes after those of all earlier changes; "": everything is scanned instead
	seen    bool   // every earlier event has been received, or everything was scanned
	settled bool   // the debounce of these changes is over
	offered bool   // the batch that Run offers has these changes
	done    chan struct{}
}

// ordered reports whether one queue has the events of all directories in the order of the changes: inotify(7) promises
// it, kqueue(2) does not.
const ordered = runtime.GOOS == "linux"

// Flush returns when every change that was made before the call has been received from Batches, or is not a change. It
// waits for the debounce, and looks at polled directories at once.
//
// With Options.MarkerDir it creates a file there, whose event the kernel queues behind those of all earlier changes.
// Otherwise, and on systems whose kernel promises no order, it compares every watched file, which costs what a poll
// costs. It returns an error when ctx is done, with the cause, and after Close.
func (w *Watcher) Flush(ctx context.Context) error {
	f, err := w.beginFlush()
	if err != nil {
		return err
	}
	if f.marker != "" {
		if err := touch(f.marker); err != nil {
			w.scanFor(f)
		}
	}
	select {
	case <-f.done:
		return nil
	case <-w.closed:
		return errors.New("the watcher is closed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// touch creates a file and removes it.
func touch(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	file.Close()
	return os.Remove(path)
}

func (w *Watcher) beginFlush() (*flush, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errors.New("the watcher is closed")
	}
	f := &flush{done: make(chan struct{})}
	w.flushes = append(w.flushes, f)
	if w.hasMarkers() {
		w.markers++
		f.marker = filepath.Join(w.markerDir, strconv.Itoa(w.markers))
	} else {
		w.scan(f)
	}
	return f, nil
}

// hasMarkers reports whether the folder for markers is watched. It is watched from the first call on.
func (w *Watcher) hasMarkers() bool {
	if w.markers > 0 {
		return true
	}
	return ordered && w.source != nil && w.markerDir != "" && w.set.polling.fsType(w.markerDir) == "" && w.source.Add(w.markerDir) == nil
}

func (w *Watcher) scanFor(f *flush) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scan(f)
}

// scan compares every watched file with its last known state.
func (w *Watcher) scan(f *flush) {
	f.seen = true
	w.set.scanAll(time.Now())
	w.inbox.wake()
}

// receive notes the markers among the events that are handled next. Directories without events are polled for them.
func (w *Watcher) receive(now time.Time, marks map[string]mark, lost bool) {
	for _, f := range w.flushes {
		_, marked := marks[f.marker]
		if !f.seen && (lost || marked) {
			f.seen = true
			w.set.polling.hurry(now)
		}
	}
}

// advance notes, after a step, how far each flush has come. The next batch has every change that has settled.
func (w *Watcher) advance(next Batch) {
	for _, f := range w.flushes {
		f.settled = f.settled || f.seen && len(w.set.debounce.paths) == 0
		f.offered = f.offered || f.settled
	}
	if len(next.Paths) == 0 {
		w.endFlushes()
	}
}

// endFlushes ends the flushes whose changes have been received.
func (w *Watcher) endFlushes() {
	var rest []*flush
	for _, f := range w.flushes {
		if f.offered {
			close(f.done)
		} else {
			rest = append(rest, f)
		}
	}
	w.flushes = rest
}
