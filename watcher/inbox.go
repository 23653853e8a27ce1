package watcher

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// mark is what the kernel told about one path since the inbox was last emptied.
type mark struct {
	op fsnotify.Op // all that happened
	at time.Time   // when the first of it did
}

// inbox takes the kernel's events as fast as they come, so that its queue does not overflow while files are read. It
// is also what keeps fsnotify going: its Add can't return while an error of its own waits to be taken.
type inbox struct {
	ready chan struct{} // capacity 1: there is something to take

	mu    sync.Mutex
	marks map[string]mark
	lost  bool // events are missing
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

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
		case _, ok := <-errors: // whichever it is, events may be missing, as with fsnotify.ErrEventOverflow
			if !ok {
				errors = nil
				continue
			}
			b.lose()
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
	b.poke()
}

func (b *inbox) lose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = true
	b.poke()
}

// take empties the inbox.
func (b *inbox) take() (marks map[string]mark, lost bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	marks, lost = b.marks, b.lost
	b.marks, b.lost = nil, false
	return marks, lost
}

// poke wakes who waits for ready.
func (b *inbox) poke() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}
