package browser

import (
	"net/http"
	"net/url"
)

// ownPath begins the paths below a page's own origin that hotstart answers. An instrumented program passes the requests
// on to the server, with the facts about them in headers that begin with forwarded.
const (
	ownPath   = "/.hotstart/"
	forwarded = "Hotstart-"
)

// handleOwnOrigin adds the handlers of ownPath.
func (s *Server) handleOwnOrigin(mux *http.ServeMux) {
	mux.HandleFunc("GET "+ownPath+"hotstart.js", sameOrigin(func(w http.ResponseWriter, r *http.Request) {
		s.injected.Do(s.Injected)
		s.writeScript(w)
	}))
	mux.HandleFunc("GET "+ownPath+"events", sameOrigin(func(w http.ResponseWriter, r *http.Request) {
		s.events(w, r, isFromThisMachine(r.Header))
	}))
	mux.HandleFunc("POST "+ownPath+"log", sameOrigin(func(w http.ResponseWriter, r *http.Request) {
		s.takeErrors(w, r, r.Header.Get(forwarded+"Origin"))
	}))
	mux.HandleFunc("GET "+ownPath+"policy", func(w http.ResponseWriter, r *http.Request) {
		tag := r.Header.Get(forwarded + "Tag")
		directive := blocking(r.Header.Get(forwarded+"Policy"), tag)
		if directive == "" {
			directive = blockingElement(r.Header.Get(forwarded+"Meta"), tag, r.Header.Get(forwarded+"In-Head") != "")
		}
		if _, known := s.blocked.LoadOrStore(directive, true); directive != "" && !known {
			s.Blocked(directive, tag)
		}
	})
}

// ServeOwnOrigin answers a request below ownPath that has reached hotstart instead of the program.
func (s *Server) ServeOwnOrigin(w http.ResponseWriter, r *http.Request) {
	header := http.Header{forwarded + "Host": {r.Host}, forwarded + "Peer": {r.RemoteAddr}}
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Forwarded", "X-Forwarded-For"} {
		if values := r.Header[name]; values != nil {
			header[forwarded+name] = values
		}
	}
	r = r.WithContext(r.Context())
	r.Header = header
	s.mux().ServeHTTP(w, r)
}

// sameOrigin refuses requests from pages of another origin than the program's.
func sameOrigin(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		site, origin := r.Header.Get(forwarded+"Sec-Fetch-Site"), r.Header.Get(forwarded+"Origin")
		u, err := url.Parse(origin)
		if site != "" && site != "same-origin" || origin != "" && (err != nil || u.Host != r.Header.Get(forwarded+"Host")) {
			http.Error(w, "only for pages of the program", http.StatusForbidden)
			return
		}
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		h(w, r)
	}
}

// isFromThisMachine reports whether the client of a request that was passed on is on this machine: it has a loopback
// address, has asked for a loopback host, and no proxy has added its own client.
func isFromThisMachine(h http.Header) bool {
	return isLoopback(h.Get(forwarded+"Host")) && isLocal(h.Get(forwarded+"Peer")) &&
		h[forwarded+"Forwarded"] == nil && h[forwarded+"X-Forwarded-For"] == nil
}
