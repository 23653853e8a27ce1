package worker

import "sync"

// stop is the common end of all Serve calls of a process.
type stop struct {
	begun chan struct{} // closed when the drain begins
	done  chan struct{} // closed when all Serve calls have drained
	last  chan struct{} // closed when hotstart has sent last: no worker follows

	mu      sync.Mutex
	serving int // Serve calls that have neither drained nor failed; guarded by mu
}

func newStop() *stop {
	return &stop{begun: make(chan struct{}), done: make(chan struct{}), last: make(chan struct{})}
}

// enter counts a Serve call in.
func (s *stop) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving++
}

// leave ends the count of a Serve call, which has drained or failed.
func (s *stop) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving--
	s.settle()
}

// begin makes all Serve calls drain. A process without a Serve call has then drained: it may have a server of another
// kind, which handles the signal that follows.
func (s *stop) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	closeOnce(s.begun)
	s.settle()
}

// settle closes done if all Serve calls have drained. The caller holds mu.
func (s *stop) settle() {
	if isDone(s.begun) && s.serving == 0 {
		closeOnce(s.done)
	}
}

// closeOnce closes c unless it is closed. The caller prevents concurrent calls.
func closeOnce(c chan struct{}) {
	if !isDone(c) {
		close(c)
	}
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
