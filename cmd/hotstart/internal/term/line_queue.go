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

// A lineQueue passes writes on to a writer that may block, such as a pipe
// that is not read or a stopped terminal. Its own Write never blocks: what
// does not fit into the queue is dropped, and a line in its place says how
// many writes were. Safe for concurrent use.
type lineQueue struct {
	to     io.Writer
	notice func(dropped int) string // the line about dropped writes
	items  chan lineItem
	quit   chan struct{} // closed with the queue: what it holds by then is the last to be written

	mu      sync.Mutex
	moved   sync.Cond // of mu: an item was written, or the queue was closed
	dropped int       // writes since the last one that the queue took
	closed  bool      // writes are ignored
}

type lineItem struct {
	dropped int // writes before it
	p       []byte
	mark    chan struct{} // closed when it is written; nil: not needed
}

// A line that reports a reload is some 100 bytes: this is hours of them.
const lineQueueSize = 1024

// closeTimeout bounds the wait for a log that is not read, at the end.
const CloseTimeout = time.Second

// plenty is how many items make a writer wait that can.
const plenty = 32

// newLineQueue starts the goroutine that writes. It ends with close, or with
// the process while the writer blocks.
func newLineQueue(to io.Writer, notice func(dropped int) string) *lineQueue {
	q := &lineQueue{to: to, notice: notice, items: make(chan lineItem, lineQueueSize), quit: make(chan struct{})}
	q.moved.L = &q.mu
	go q.run()
	return q
}

func droppedLines(n int) string {
	return fmt.Sprintf("%d lines were dropped here, because the log was not read\n", n)
}

func (q *lineQueue) run() {
	for {
		select {
		case item := <-q.items:
			q.write(item)
		case <-q.quit:
			for len(q.items) > 0 { // nobody else takes any
				q.write(<-q.items)
			}
			return
		}
	}
}

func (q *lineQueue) write(item lineItem) {
	q.reportDropped(item.dropped)
	q.to.Write(item.p)
	q.reportDropped(q.takeDropped()) // it may be long until the next item
	q.moved.Broadcast()
	if item.mark != nil {
		close(item.mark)
	}
}

func (q *lineQueue) reportDropped(n int) {
	if n > 0 {
		io.WriteString(q.to, q.notice(n))
	}
}

// takeDropped returns how many writes were dropped after the last item, if that has
// been taken.
func (q *lineQueue) takeDropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) > 0 {
		return 0
	}
	n := q.dropped
	q.dropped = 0
	return n
}

// Write reports success in any case.
func (q *lineQueue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return len(p), nil
	}
	select {
	case q.items <- lineItem{dropped: q.dropped, p: slices.Clone(p)}:
		q.dropped = 0
	default:
		q.dropped++
	}
	return len(p), nil
}

// await blocks while the queue is rather full, for a writer that can be made
// to wait and whose writes are not to be dropped.
func (q *lineQueue) await() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) > plenty && !q.closed {
		q.moved.Wait()
	}
}

// flush waits until everything is written, but not for longer than wait. It
// reports whether everything is.
func (q *lineQueue) flush(wait time.Duration) bool {
	limit := time.After(wait)
	mark := make(chan struct{})
	select {
	case q.items <- lineItem{mark: mark}:
	case <-q.quit:
		return false
	case <-limit:
		return false
	}
	select {
	case <-mark:
		return true
	case <-q.quit:
	case <-limit:
	}
	return false
}

// An orderedQueue is a lineQueue for lines that have to stand before those
// which workers write to the same file as a consequence. As long as the file
// is read, a write waits until its line is there.
type OrderedQueue struct {
	*lineQueue
	stalled atomic.Bool // the last wait was too long
}

// newOrderedQueue writes to w, which may be stderr.
func NewOrderedQueue(w io.Writer) *OrderedQueue {
	return &OrderedQueue{lineQueue: newLineQueue(unbuffered(w), droppedLines)}
}

// orderWait bounds the one wait that it takes to see that a file is not read.
const orderWait = time.Second

func (q *OrderedQueue) Write(p []byte) (int, error) {
	stalled := q.stalled.Load() && len(q.items) > 0
	n, err := q.lineQueue.Write(p)
	if !stalled {
		q.stalled.Store(!q.flush(orderWait))
	}
	return n, err
}

// close flushes the queue. What is written later is ignored.
func (q *lineQueue) Close(wait time.Duration) {
	q.flush(wait)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.quit)
	}
	q.moved.Broadcast()
}

// descriptor writes to a file descriptor, by whatever file that is at the
// time. An os.File would make a write to a new file wait for one to the old
// file that blocks.
type descriptor int

// unbuffered is w, or if that is this process's stderr its descriptor.
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
		case unix.EAGAIN: // its other end has made it non-blocking
			unix.Poll([]unix.PollFd{{Fd: int32(d), Events: unix.POLLOUT}}, -1)
		default:
			return n, err
		}
	}
	return n, nil
}
