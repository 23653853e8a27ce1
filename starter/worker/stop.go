package worker

import "sync"

// stop is the one end of a process, which its Serve calls come to together.
type stop struct {
	begun chan struct{} // closed when the process is to end
	done  chan struct{} // closed when, after that, no Serve call has a connection left
	last  chan struct{} // closed when it is known that no worker follows

	mu      sync.Mutex
	serving int // Serve calls that are not through; guarded by mu
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

// leave counts it out: it has drained, or failed.
func (s *stop) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving--
	s.settle()
}

// begin tells all Serve calls to drain. A process that has none has drained by that: it may serve in ways of
// its own, and the signal that follows is the one that it knows.
func (s *stop) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	closeOnce(s.begun)
	s.settle()
}

// isLast tells all Serve calls not to wait for what only streams.
func (s *stop) isLast() {
	s.mu.Lock()
	defer s.mu.Unlock()
	closeOnce(s.last)
}

// settle closes done when it is true, with mu held.
func (s *stop) settle() {
	if isDone(s.begun) && s.serving == 0 {
		closeOnce(s.done)
	}
}

// closeOnce closes c unless it is; its callers exclude each other.
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
