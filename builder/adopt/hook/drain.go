package hook

import (
	"syscall"
	"time"
)

const (
	hotstartPoll = 5 * time.Millisecond // delay of the end of a drain

	// A connection that has been idle for this time is closed. A client that sends one request after the other
	// sends its next request within this time, and learns from the answer that the connection ends.
	hotstartIdleTime = time.Second

	// If no worker follows, hotstart is about to end, and a person waits for it. Connections that are open longer
	// are closed.
	hotstartLastTimeout = 6 * time.Second

	// If accept(2) takes longer, the program has made its socket blocking: the drain does not wait for it.
	hotstartAcceptTimeout = time.Second

	// If no connection has come for this time, no connection waits in a queue.
	hotstartQueueTime = 100 * time.Millisecond

	hotstartCopiesPoll = 50 * time.Millisecond // between two searches for copies

	// If the drain could not look for this time, the process stood still, perhaps with the whole machine and its
	// clients: the idle time begins again.
	hotstartStandstill = 250 * time.Millisecond
)

// drain stops accepting, waits until no connection is left, and reports that to hotstart.
// net/http calls a connection idle that has not sent a request for 5 s, so
// a connection that a browser opened ahead gets that time.
func (w *hotstartWorker) drain() {
	w.waitForConns()
	w.broker.Say("drained", -1)
	<-w.broker.Disconnected
	// hotstart died before it sent this signal. A worker that drains has a successor.
	syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
}

// waitForConns returns when no connection is left in the program and in its children.
func (w *hotstartWorker) waitForConns() {
	w.draining.Store(true)
	w.endHold()
	w.children.drain()
	began := time.Now()
	w.markBusy()
	for _, s := range w.allServers() {
		s.drain()
	}
	accepted, stopped := hotstartAcceptedAt(), false
	for last := began; ; time.Sleep(hotstartPoll) {
		now := time.Now()
		if now.Sub(last) > hotstartStandstill {
			w.markBusy()
		}
		last = now
		accepting := hotstartIsAccepting() && time.Since(began) < hotstartAcceptTimeout
		unkept := hotstartHasUnkept(time.Since(began) > hotstartQueueTime) && time.Since(began) < hotstartAcceptTimeout
		if !stopped && !hotstartIsAccepting() && w.children.haveDrained() {
			stopped = true
			w.broker.Say("stopped", -1)
		}
		if !accepting && !unkept && !hotstartHasOpen() && w.children.haveDrained() {
			if !hotstartHasCopies(accepted) {
				return
			}
			time.Sleep(hotstartCopiesPoll)
		}
		if w.last.Load() {
			w.closeStreams(time.Since(began))
		}
		if w.idleFor() >= hotstartIdleTime {
			for _, s := range w.allServers() {
				s.closeIdle()
			}
		}
	}
}

// closeStreams closes connections that may never end, once a drain has lasted for a time. A request without an
// answer gets more time than a request whose answer has begun.
func (w *hotstartWorker) closeStreams(lasted time.Duration) {
	for _, s := range w.allServers() {
		if s, ok := s.(interface{ closeStreams() }); ok {
			s.closeStreams()
		}
	}
	if lasted < hotstartIdleTime {
		return
	}
	hotstartAnyState(func(fd int, is uint32) bool {
		if is&hotstartStreams != 0 || is&hotstartOpen != 0 && lasted >= hotstartLastTimeout {
			syscall.Shutdown(fd, syscall.SHUT_RDWR)
		}
		return false
	})
}

// markBusy is called when a connection may become idle.
func (w *hotstartWorker) markBusy() { w.busyAt.Store(int64(time.Since(w.born))) }

// idleFor returns a time for which every idle connection has been idle.
func (w *hotstartWorker) idleFor() time.Duration {
	return time.Since(w.born) - time.Duration(w.busyAt.Load())
}

func (w *hotstartWorker) allServers() []hotstartServer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.servers[:len(w.servers):len(w.servers)]
}
