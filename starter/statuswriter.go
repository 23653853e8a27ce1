package starter

import "time"

// A statusWriter writes the status file from a goroutine of its own: a file
// system can be full, and then has room again, or hang, and the loop must not
// hang with it.
type statusWriter struct {
	write   func(lines string) error
	remove  func()
	report  func(error)        // gets the first error of each row of failures
	updates chan *statusUpdate // the latest that has not been tried
	latest  *statusUpdate
	ended   chan struct{} // closed when the goroutine has ended
}

type statusUpdate struct {
	lines string
	tried chan struct{} // closed after the first attempt
}

const (
	// A process that reads of an event finds its outcome in the file: the
	// loop waits for a write, but not long.
	statusWait = time.Second
	// The wait between two attempts doubles from the first of these to the second.
	statusRetry, statusMaxRetry = time.Second, 30 * time.Second
)

func newStatusWriter(file *statusFile, report func(error)) *statusWriter {
	tried := make(chan struct{})
	close(tried)
	w := &statusWriter{
		write: file.write, remove: file.close, report: report,
		updates: make(chan *statusUpdate, 1), latest: &statusUpdate{tried: tried}, ended: make(chan struct{}),
	}
	return w
}

// update asks for the file to list these workers. It waits until that has
// been tried, for at most statusWait, and not at all while an earlier attempt
// hangs. nil does nothing. Called from the loop alone.
func (w *statusWriter) update(workers []Worker) {
	if w == nil {
		return
	}
	lines := statusLines(workers)
	if lines == w.latest.lines {
		return
	}
	hangs := !closed(w.latest.tried)
	w.latest = &statusUpdate{lines, make(chan struct{})}
	select {
	case <-w.updates: // it is out of date
	default:
	}
	w.updates <- w.latest
	if hangs {
		return
	}
	select {
	case <-w.latest.tried:
	case <-time.After(statusWait):
	}
}

// run ends, and removes the file, when updates is closed.
func (w *statusWriter) run() {
	defer close(w.ended)
	defer w.remove()
	var update *statusUpdate
	var retry <-chan time.Time
	wait := statusRetry
	for {
		select {
		case next, more := <-w.updates:
			if !more {
				return
			}
			update = next
		case <-retry:
			wait = min(2*wait, statusMaxRetry)
		}
		err := w.write(update.lines)
		if !closed(update.tried) {
			close(update.tried)
		}
		if err == nil {
			retry, wait = nil, statusRetry
			continue
		}
		if retry == nil {
			w.report(err)
		}
		retry = time.After(wait)
	}
}

// close removes the file. One that hangs is left.
func (w *statusWriter) close() {
	if w == nil {
		return
	}
	close(w.updates)
	select {
	case <-w.ended:
	case <-time.After(statusWait):
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
