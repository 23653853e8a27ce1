package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A lineQueue passes writes on to a writer that may block, such as a pipe
// that is not read or a stopped terminal. Its own Write never blocks: what
// does not fit into the queue is dropped, and a line in its place says how
// many writes were. Safe for concurrent use.
type lineQueue struct {
	to    io.Writer
	items chan lineItem

	mu      sync.Mutex
	dropped int // writes since the last one that the queue took
}

type lineItem struct {
	dropped int // writes before it
	p       []byte
	mark    chan struct{} // closed when it is written; nil: not needed
}

// A line that reports a reload is some 100 bytes: this is hours of them.
const lineQueueSize = 1024

// newLineQueue starts the goroutine that writes. It ends with close, or with
// the process while the writer blocks.
func newLineQueue(to io.Writer) *lineQueue {
	q := &lineQueue{to: to, items: make(chan lineItem, lineQueueSize)}
	go q.run()
	return q
}

func (q *lineQueue) run() {
	for item := range q.items {
		q.reportDropped(item.dropped)
		q.to.Write(item.p)
		if len(q.items) == 0 { // it may be long until the next
			q.reportDropped(q.takeDropped())
		}
		if item.mark != nil {
			close(item.mark)
		}
	}
}

func (q *lineQueue) reportDropped(dropped int) {
	if dropped > 0 {
		fmt.Fprintf(q.to, "%d lines were dropped here, because the log was not read\n", dropped)
	}
}

func (q *lineQueue) takeDropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	q.dropped = 0
	return n
}

// Write reports success in any case.
func (q *lineQueue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.items <- lineItem{dropped: q.dropped, p: slices.Clone(p)}:
		q.dropped = 0
	default:
		q.dropped++
	}
	return len(p), nil
}

// close waits until everything is written, but not for longer than wait.
// Nothing may be written afterwards.
func (q *lineQueue) close(wait time.Duration) {
	defer close(q.items)
	limit := time.After(wait)
	mark := make(chan struct{})
	select {
	case q.items <- lineItem{mark: mark}:
	case <-limit:
		return
	}
	select {
	case <-mark:
	case <-limit:
	}
}

// descriptor writes to a file descriptor, by whatever file that is at the
// time. An os.File would make a write to a new file wait for one to the old
// file that blocks.
type descriptor int

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
