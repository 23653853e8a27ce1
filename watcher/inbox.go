package watcher

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// mark is the sum of the kernel's events for one path since the inbox was last emptied.
type mark struct {
	op fsnotify.Op // all operations
	at time.Time   // time of the first event
}

// inbox receives the kernel's events as fast as they come, so that the kernel's queue does not overflow while files are
// read. It also prevents a deadlock: fsnotify's Add can't return while an error waits to be received.
type inbox struct {
	ready chan struct{} // capacity 1: the inbox is not empty

	mu    sync.Mutex
	marks map[string]mark
	lost  bool // events were lost
}

// fill runs until both channels are closed.
func (b *inbox) fill(events <-chan fsnotify.Event, errors <-chan error) {
	for events != nil || errors != nil {
		select {
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			b.put(filepath.Clean(e.Name), e.Op, time.Now())
		case _, ok := <-errors: // after any error events may be lost, for example after fsnotify.ErrEventOverflow
			if !ok {
				errors = nil
				continue
			}
			b.setLost()
		}
	}
}

func (b *inbox) put(path string, op fsnotify.Op, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.marks == nil {
		b.marks = map[string]mark{}
	}
	m, ok := b.marks[path]
	if !ok {
		m.at = now
	}
	m.op |= op
	b.marks[path] = m
	b.wake()
}

func (b *inbox) setLost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = true
	b.wake()
}

// take empties the inbox.
func (b *inbox) take() (marks map[string]mark, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	marks, lost = b.marks, b.lost
	b.marks, b.lost = nil, false
	return marks, lost
}

// wake wakes the goroutine that waits for ready.
func (b *inbox) wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}
