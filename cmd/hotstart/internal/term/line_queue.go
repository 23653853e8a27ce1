package term

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lineQueue passes writes on to a writer that may block, for example a pipe that is not
// read or a stopped terminal. Its own Write never blocks: if the queue is full, the write
// is dropped, and a line in its place reports how many were. Safe for concurrent use.
type lineQueue struct {
	to     io.Writer
	notice func(dropped int) string // returns the line about dropped writes

	mu      sync.Mutex
	moved   sync.Cond // of mu: an item was queued or written, or the queue was closed
	items   [][]byte  // the first one is being written
	written int       // items, since the start
	dropped int       // writes since the last one that was queued
	closed  bool      // writes are ignored
}

const (
	// lineQueueSize has room for the lines of hours: a reload is a line of about 100
	// bytes.
	lineQueueSize = 1024
	// awaitLength is the number of items above which await blocks.
	awaitLength = 32
	// closeTimeout bounds the wait at the end for a log that is not read.
	closeTimeout = time.Second
)

// newLineQueue starts the goroutine that writes. It ends after close, or with the
// process if the writer blocks.
func newLineQueue(to io.Writer, notice func(dropped int) string) *lineQueue {
	q := &lineQueue{to: to, notice: notice}
	q.moved.L = &q.mu
	go q.run()
	return q
}

func droppedLines(n int) string {
	return fmt.Sprintf("%d lines were dropped here, because the log was not read\n", n)
}

func (q *lineQueue) run() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.items) == 0 {
			if q.closed {
				return
			}
			q.moved.Wait()
		}
		p := q.items[0]
		q.mu.Unlock()
		q.to.Write(p)
		q.mu.Lock()
		if q.items = q.items[1:]; len(q.items) == 0 {
			q.reportDropped() // the next item may come late
		}
		q.written++
		q.moved.Broadcast()
	}
}

// reportDropped queues the line about the writes that were dropped after the last item.
func (q *lineQueue) reportDropped() {
	if q.dropped > 0 {
		q.items = append(q.items, []byte(q.notice(q.dropped)))
		q.dropped = 0
	}
}

// Write reports success in any case.
func (q *lineQueue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
	case len(q.items) >= lineQueueSize:
		q.dropped++
	default:
		q.reportDropped()
		q.items = append(q.items, slices.Clone(p))
		q.moved.Broadcast()
	}
	return len(p), nil
}

// await blocks while the queue is rather full. A writer that can wait calls it, so that
// its writes are not dropped.
func (q *lineQueue) await() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) > awaitLength && !q.closed {
		q.moved.Wait()
	}
}

// flush waits until everything is written, at most for the duration wait. It reports
// whether everything is written.
func (q *lineQueue) flush(wait time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	over := false
	limit := time.AfterFunc(wait, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		over = true
		q.moved.Broadcast()
	})
	defer limit.Stop()
	last := q.written + len(q.items)
	for q.written < last && !over && !q.closed {
		q.moved.Wait()
	}
	return q.written >= last
}

// empty reports whether everything is written.
func (q *lineQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0
}

// OrderedQueue is a writer for lines that come before the lines which workers write to
// the same file as a consequence. While the file is read, Write waits until its line is
// written. Otherwise lines are queued, and dropped if the queue is full.
type OrderedQueue struct {
	*lineQueue
	stalled atomic.Bool // the last wait was too long
}

// NewOrderedQueue writes to w, which may be stderr.
func NewOrderedQueue(w io.Writer) *OrderedQueue {
	return &OrderedQueue{lineQueue: newLineQueue(unbuffered(w), droppedLines)}
}

// orderWait bounds the wait that shows that a file is not read.
const orderWait = time.Second

// Write implements io.Writer.
func (q *OrderedQueue) Write(p []byte) (int, error) {
	stalled := q.stalled.Load() && !q.empty()
	n, err := q.lineQueue.Write(p)
	if !stalled {
		q.stalled.Store(!q.flush(orderWait))
	}
	return n, err
}

// Close writes what is in the queue, as far as it is read within a second. Later writes
// are ignored.
func (q *OrderedQueue) Close() { q.close(closeTimeout) }

// close flushes the queue for the duration wait at most.
func (q *lineQueue) close(wait time.Duration) {
	q.flush(wait)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.moved.Broadcast()
}

// descriptor writes to a file descriptor, which may become another file by dup2(2). With
// an os.File, a write to the new file would wait for a write to the old file that blocks.
type descriptor int

func unbuffered(w io.Writer) io.Writer {
	if w == os.Stderr {
		return descriptor(2)
	}
	return w
}

func (d descriptor) Write(p []byte) (n int, err error) {
	for n < len(p) {
		m, err := unix.Write(int(d), p[n:])
		switch err {
		case nil:
			n += m
		case unix.EINTR:
		case unix.EAGAIN: // another process has made the file non-blocking
			unix.Poll([]unix.PollFd{{Fd: int32(d), Events: unix.POLLOUT}}, -1)
		default:
			return n, err
		}
	}
	return n, nil
}
