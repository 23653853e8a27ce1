package control

import (
	"context"
	"encoding/json"
	"iter"
	"sync"
)

// Source is a sequence of JSON objects that clients follow.
type Source interface {
	// Follow returns the last n objects, and with endless those that come until ctx is
	// done. It returns several at once, with the number of the objects before them that
	// the client has missed.
	Follow(ctx context.Context, n int, endless bool) iter.Seq2[[][]byte, int64]
}

// Feed is a bounded log of JSON objects that many clients follow. The writer never
// waits: a client that reads too slowly misses the oldest objects.
type Feed struct {
	maxBytes int

	mu      sync.Mutex
	items   [][]byte
	first   int64 // number of items[0]; the first object ever is number 0
	bytes   int   // of items
	changed chan struct{}
}

// NewFeed returns a feed that keeps the newest objects, up to a size in bytes.
func NewFeed(maxBytes int) *Feed { return &Feed{maxBytes: maxBytes, changed: make(chan struct{})} }

// Add appends an object, which must not be changed afterwards.
func (f *Feed) Add(object []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items = append(f.items, object)
	f.bytes += len(object)
	dropped := 0
	for f.bytes > f.maxBytes && dropped < len(f.items)-1 {
		f.bytes -= len(f.items[dropped])
		f.items[dropped] = nil
		dropped++
	}
	f.items, f.first = f.items[dropped:], f.first+int64(dropped)
	close(f.changed)
	f.changed = make(chan struct{})
}

// AddLine appends a line of output.
func (f *Feed) AddLine(l Line) {
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // only strings and numbers are marshaled
	}
	f.Add(b)
}

// Read returns the objects from a number on, the number of the object after them, how
// many objects were missed because they are no longer kept, and a channel that is
// closed when there are more.
func (f *Feed) Read(from int64) (objects [][]byte, next, missed int64, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if from < f.first {
		missed, from = f.first-from, f.first
	}
	end := f.first + int64(len(f.items))
	if from < end {
		objects = append(objects, f.items[from-f.first:]...)
	}
	return objects, max(from, end), missed, f.changed
}

// Last returns the number of the n-th object from the end: reading from there returns n
// objects, or fewer if fewer are kept.
func (f *Feed) Last(n int) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	end := f.first + int64(len(f.items))
	return max(f.first, end-int64(n))
}

// Follow implements Source.
func (f *Feed) Follow(ctx context.Context, n int, endless bool) iter.Seq2[[][]byte, int64] {
	return func(yield func([][]byte, int64) bool) {
		for next := f.Last(n); ; {
			objects, end, missed, more := f.Read(next)
			if next = end; !yield(objects, missed) || !endless {
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}
