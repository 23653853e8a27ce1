package control

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// LineWriter splits one stream of output into the lines of a feed. Its methods may be
// called from any goroutine.
type LineWriter struct {
	to    *Feed
	clean func(string) string // removes what is only for terminals

	mu      sync.Mutex
	worker  int    // that writes; 0: it is not known yet
	partial []byte // of the current line
	held    []Line // until the worker is known
}

const (
	maxLine = 16 << 10 // a longer line is split
	maxHeld = 100      // lines; a worker is known some milliseconds after its start
)

// NewLineWriter returns a LineWriter that passes each line through clean.
func NewLineWriter(to *Feed, clean func(string) string) *LineWriter {
	return &LineWriter{to: to, clean: clean}
}

// Add adds output.
func (w *LineWriter) Add(p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			break
		}
		w.partial = append(w.partial, p[:i]...)
		w.end()
		p = p[i+1:]
	}
	if w.partial = append(w.partial, p...); len(w.partial) >= maxLine {
		w.end()
	}
}

// SetWorker says which worker writes from now on.
func (w *LineWriter) SetWorker(generation int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.worker != 0 && len(w.partial) > 0 {
		w.end() // of the worker before
	}
	w.worker = generation
	w.flush()
}

// end ends the current line.
func (w *LineWriter) end() {
	text := strings.TrimRight(w.clean(string(w.partial)), "\r\n")
	w.held = append(w.held, Line{Time: time.Now(), Text: text})
	w.partial = w.partial[:0]
	if w.worker != 0 || len(w.held) >= maxHeld {
		w.flush()
	}
}

func (w *LineWriter) flush() {
	for _, l := range w.held {
		l.Worker = w.worker
		w.to.AddLine(l)
	}
	w.held = nil
}
