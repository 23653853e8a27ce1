package daemon

import (
	"time"

	"github.com/hotstart/hotstart/starter"
)

// A StatusFile has a line GENERATION:PID for each running worker that is or was
// current. A goroutine writes it: the file system can be full for some time, or
// hang, and the Starter must not hang with it.
type StatusFile struct {
	write   func(lines string, again bool) error
	remove  func()
	report  func(error)        // gets the first error of a row of failures
	updates chan *statusUpdate // the latest update that has not been tried
	latest  *statusUpdate
	ended   chan struct{} // closed when the goroutine has ended
}

type statusUpdate struct {
	lines string
	again bool          // replace the file even if it has these lines
	tried chan struct{} // closed after the first attempt
}

const (
	// A process that reacts to an event finds the result of the event in the
	// file: Update waits for the write, but not long.
	statusWait = time.Second
	// A busy disk can take seconds to remove a file. Nothing but a file system
	// that hangs takes longer.
	statusCloseWait = 5 * time.Second
	// The pause between two attempts doubles from statusRetry to statusMaxRetry.
	statusRetry, statusMaxRetry = time.Second, 30 * time.Second
)

// NewStatusFile checks that a status file can be written at a path: only the
// status file of a dead process is replaced. report is called from another
// goroutine with the first error of each row of failed writes, which are
// repeated. The StatusFile of "" is nil, which Update and Close accept.
func NewStatusFile(path string, report func(error)) (*StatusFile, error) {
	if path == "" {
		return nil, nil
	}
	store, err := openStatus(path)
	if err != nil {
		return nil, err
	}
	s := newStatusFile(store.write, store.close, report)
	go s.run()
	return s, nil
}

func newStatusFile(write func(lines string, again bool) error, remove func(), report func(error)) *StatusFile {
	tried := make(chan struct{})
	close(tried)
	return &StatusFile{
		write: write, remove: remove, report: report,
		updates: make(chan *statusUpdate, 1), latest: &statusUpdate{tried: tried}, ended: make(chan struct{}),
	}
}

// Update makes the file list these workers. It waits for the first attempt to
// write, for at most a second, and does not wait while an earlier attempt hangs.
// It is meant for starter.Options.ReportWorkers, and must not be called by two
// goroutines at the same time.
func (s *StatusFile) Update(workers []starter.Worker) {
	if s == nil {
		return
	}
	if lines := statusLines(workers); lines != s.latest.lines {
		s.replace(&statusUpdate{lines: lines})
	}
}

// ReloadFailed tells a Process.Restart in another process that the reload has
// failed and is not tried again: it replaces the file by one with the same
// content. It waits as Update does, and is called by the same goroutine.
func (s *StatusFile) ReloadFailed() {
	if s != nil {
		s.replace(&statusUpdate{lines: s.latest.lines, again: true})
	}
}

func (s *StatusFile) replace(update *statusUpdate) {
	hangs := !closed(s.latest.tried)
	update.tried = make(chan struct{})
	s.latest = update
	select {
	case <-s.updates: // out of date
	default:
	}
	s.updates <- s.latest
	if hangs {
		return
	}
	select {
	case <-s.latest.tried:
	case <-time.After(statusWait):
	}
}

// run writes updates until updates is closed, and then removes the file.
func (s *StatusFile) run() {
	defer close(s.ended)
	defer s.remove()
	var update *statusUpdate
	var retry <-chan time.Time
	wait := statusRetry
	for {
		select {
		case next, more := <-s.updates:
			if !more {
				return
			}
			update = next
		case <-retry:
			wait = min(2*wait, statusMaxRetry)
		}
		err := s.write(update.lines, update.again)
		if !closed(update.tried) {
			close(update.tried)
		}
		if err == nil {
			retry, wait = nil, statusRetry
			continue
		}
		if retry == nil {
			s.report(err)
		}
		retry = time.After(wait)
	}
}

// Close removes the file, unless another file has replaced it. If the file system
// hangs, Close returns after five seconds and leaves the file.
func (s *StatusFile) Close() {
	if s == nil {
		return
	}
	close(s.updates)
	select {
	case <-s.ended:
	case <-time.After(statusCloseWait):
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
