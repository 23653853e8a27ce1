package hook

// Connections that golang.org/x/net/http2/h2c, or code like it, has taken from net/http to
// speak HTTP/2 on them are one more server.

var _ = hotstartHere.hookH2C()

func (w *hotstartWorker) hookH2C() bool {
	if w == nil {
		return false
	}
	h := &hotstartH2c{ended: w.touch}
	w.servers = append(w.servers, h)
	hotstartHijacked = h.watch
	return true
}

func (h *hotstartH2c) drain() { h.leave() }
