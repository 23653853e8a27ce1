package hook

import (
	"strconv"
	"sync"
	"time"
)

// hotstartHold is a time in which clients wait for a newer worker, because the code of this one is known to be old.
// New connections wait in the queue of their socket, where the newer worker finds them. Each client waits for a limited
// time, and then gets the answer of this worker.
type hotstartHold struct {
	limit time.Duration
	ended chan struct{} // closed when the hold ends

	late sync.Map // the sockets whose next connection has waited for the limit: so may all behind it
}

// beginHold makes clients wait until endHold is called, or until the drain begins.
func (w *hotstartWorker) beginHold(limit time.Duration) {
	h := w.held()
	if h == nil {
		h = &hotstartHold{limit: limit, ended: make(chan struct{})}
		w.hold.Store(h)
	}
	if w.draining.Load() {
		w.endHold()
	}
	go w.sayHolding(h)
}

// held returns the hold, or nil.
func (w *hotstartWorker) held() *hotstartHold {
	h, _ := w.hold.Load().(*hotstartHold)
	return h
}

// wasHeld reports whether hotstart has ever asked for a hold.
func (w *hotstartWorker) wasHeld() bool { return w.hold.Load() != nil }

// endHold ends the hold, if there is one.
func (w *hotstartWorker) endHold() {
	if w.held() == nil {
		return
	}
	if h, _ := w.hold.Swap((*hotstartHold)(nil)).(*hotstartHold); h != nil {
		close(h.ended)
	}
}

// sayHolding tells hotstart that every connection from now on waits: an accept that has not seen the hold has ended.
func (w *hotstartWorker) sayHolding(h *hotstartHold) {
	for began := time.Now(); hotstartIsAccepting(); time.Sleep(hotstartPoll) {
		if time.Since(began) > hotstartAcceptTimeout {
			return
		}
	}
	if w.held() == h {
		w.broker.Say("holding", -1)
	}
}

// handleHold handles "hold MILLISECONDS".
func (w *hotstartWorker) handleHold(milliseconds string) {
	if n, err := strconv.Atoi(milliseconds); err == nil && n > 0 {
		w.beginHold(time.Duration(n) * time.Millisecond)
	}
}

// wait waits until the hold ends. It returns false if the client has waited for the limit, or is gone.
func (h *hotstartHold) wait(gone <-chan struct{}) bool {
	limit := time.NewTimer(h.limit)
	defer limit.Stop()
	select {
	case <-h.ended:
		return true
	case <-gone:
	case <-limit.C:
	}
	return false
}

// letsAccept reports whether the program may accept on fd now.
func (h *hotstartHold) letsAccept(fd int) bool {
	if h == nil {
		return true
	}
	_, late := h.late.Load(fd)
	return late
}

// waitToAccept waits until the hold ends, or until the next connection of fd has waited for the limit. Package net calls accept(2)
// when a connection has come. It also does so when it has just accepted another one: then the time for the next
// connection begins early.
func (h *hotstartHold) waitToAccept(fd int) {
	if h != nil && !h.wait(nil) {
		h.late.Store(fd, true)
	}
}

// emptied is called when the queue of fd is empty.
func (h *hotstartHold) emptied(fd int) {
	if h != nil {
		h.late.Delete(fd)
	}
}
