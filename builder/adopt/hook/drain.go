package hook

import (
	"syscall"
	"time"
)

const (
	hotstartPoll = 5 * time.Millisecond // how much later than possible a drained worker ends

	// A connection that was idle for so long is closed. A client in full swing
	// sends its next request within it, and learns from the answer that the
	// connection ends.
	hotstartIdle = time.Second

	// Where no worker follows, hotstart is about to end, and a person waits for it:
	// what is open longer is closed.
	hotstartLast = 6 * time.Second

	// Where accept(2) lasts longer, its socket was made blocking: no use to wait.
	hotstartAccept = time.Second

	// Where nothing has come for so long, nothing waits in a queue.
	hotstartQueue = 100 * time.Millisecond

	hotstartCopies = 50 * time.Millisecond // between two looks at all descriptors

	// A look that comes so much after the one before says that the process stood
	// still, maybe with the whole machine and its clients: they have their time again.
	hotstartStill = 250 * time.Millisecond
)

// drain lets nothing new in, and tells hotstart when nothing is left.
// net/http calls a connection idle that has not sent a request for 5 s, so
// that one that a browser opened ahead is given the time.
func (w *hotstartWorker) drain() {
	w.finish()
	w.broker.Say("drained", -1)
	<-w.broker.Disconnected
	// hotstart died, and would have sent this. Who drains has a successor.
	syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
}

// finish returns when nothing is left, in children of the program neither.
func (w *hotstartWorker) finish() {
	w.draining.Store(true)
	w.children.tell()
	began := time.Now()
	w.touch()
	for _, s := range w.known() {
		s.drain()
	}
	served := hotstartServed()
	for last := began; ; time.Sleep(hotstartPoll) {
		now := time.Now()
		if now.Sub(last) > hotstartStill {
			w.touch()
		}
		last = now
		accepting := hotstartIsAccepting() && time.Since(began) < hotstartAccept
		own := hotstartHasOwn(time.Since(began) > hotstartQueue) && time.Since(began) < hotstartAccept
		if !accepting && !own && !hotstartHasOpen() && w.children.haveDrained() {
			if !hotstartHasCopies(served) {
				return
			}
			time.Sleep(hotstartCopies)
		}
		if w.last.Load() {
			w.closeStreams(time.Since(began))
		}
		if w.quietFor() >= hotstartIdle {
			for _, s := range w.known() {
				s.closeIdle()
			}
		}
	}
}

// closeStreams closes what would never end, where a drain has lasted so long. A request
// that is not answered yet may take longer than one whose answer has begun.
func (w *hotstartWorker) closeStreams(lasted time.Duration) {
	for _, s := range w.known() {
		if s, ok := s.(interface{ closeStreams() }); ok {
			s.closeStreams()
		}
	}
	if lasted < hotstartIdle {
		return
	}
	hotstartAny(func(fd int, is uint32) bool {
		if is&hotstartStreams != 0 || is&hotstartOpen != 0 && lasted >= hotstartLast {
			syscall.Shutdown(fd, syscall.SHUT_RDWR)
		}
		return false
	})
}

// touch says that a connection may have become idle now.
func (w *hotstartWorker) touch() { w.busyAt.Store(int64(time.Since(w.born))) }

// quietFor is how long every idle connection has been idle, at least.
func (w *hotstartWorker) quietFor() time.Duration {
	return time.Since(w.born) - time.Duration(w.busyAt.Load())
}

func (w *hotstartWorker) known() []hotstartServer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.servers[:len(w.servers):len(w.servers)]
}
