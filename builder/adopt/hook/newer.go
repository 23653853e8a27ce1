package hook

import (
	"net/http"
	"strings"
	"time"
)

// hotstartNavigation reports whether a browser requests a page to show it in a window.
var hotstartNavigation func(r *http.Request) bool

// hotstartRestyles reports whether a page that stays requests a style sheet again, because a newer worker has another one.
func hotstartRestyles(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "hotstart=") }

// leavesToNewer leaves a request of a browser to a newer worker, for which it waits during a hold: it sends the browser to the
// same URL on a new connection. It returns false if no newer worker exists.
func (h *hotstartHTTP) leavesToNewer(w http.ResponseWriter, r *http.Request) bool {
	if hold := h.worker.held(); hold != nil {
		h.wait(hold, w, r)
	}
	if !h.worker.draining.Load() || h.worker.last.Load() {
		return false
	}
	url := r.URL.RequestURI()
	if strings.HasPrefix(url, "//") {
		url = "/." + url // two slashes would be followed by a host
	}
	header := w.Header()
	header.Set("Location", url)
	header.Set("Cache-Control", "no-store")
	header.Set("Connection", "close")
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}

// wait waits until a hold ends. The timeouts of the server, which have begun with the request, begin again afterwards.
func (h *hotstartHTTP) wait(hold *hotstartHold, w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	read, write := h.server.ReadTimeout, h.server.WriteTimeout
	if read > 0 {
		control.SetReadDeadline(time.Time{})
		defer func() { control.SetReadDeadline(time.Now().Add(read)) }()
	}
	if write > 0 {
		control.SetWriteDeadline(time.Time{})
		defer func() { control.SetWriteDeadline(time.Now().Add(write)) }()
	}
	hold.wait(r.Context().Done())
}
