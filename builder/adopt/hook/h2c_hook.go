package hook

// All connections that golang.org/x/net/http2/h2c, or code like it, has hijacked from net/http for HTTP/2 are one
// more server.

var _ = hotstartHere.hookH2C()

func (w *hotstartWorker) hookH2C() bool {
	if w == nil {
		return false
	}
	h := &hotstartH2c{ended: w.markBusy}
	w.servers = append(w.servers, h)
	hotstartWatchHijack = h.watch
	return true
}

func (h *hotstartH2c) drain() { h.leave() }
