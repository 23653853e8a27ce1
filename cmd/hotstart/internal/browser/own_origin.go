package browser

import (
	"net/http"
	"net/url"
	"strings"
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
	mux.HandleFunc("GET "+ownPath+"policy", func(w http.ResponseWriter, r *http.Request) {
		tag := r.Header.Get(forwarded + "Tag")
		directive := blocking(r.Header.Get(forwarded+"Policy"), tag)
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

// blocking returns the directive of a Content-Security-Policy that blocks the tag of the script, or its connection to
// its own origin; "" if both are allowed. A list of policies is separated by commas.
func blocking(policies, tag string) string {
	for policy := range strings.SplitSeq(policies, ",") {
		directives := map[string][]string{}
		for directive := range strings.SplitSeq(policy, ";") {
			words := strings.Fields(directive)
			if len(words) == 0 {
				continue
			}
			name := strings.ToLower(words[0])
			if _, again := directives[name]; !again { // the first one counts
				directives[name] = words[1:]
			}
		}
		if allowed, ok := directives["sandbox"]; ok && !strings.Contains(strings.Join(allowed, " "), "allow-scripts") {
			return "sandbox"
		}
		for _, names := range [][]string{{"script-src-elem", "script-src", "default-src"}, {"connect-src", "default-src"}} {
			for _, name := range names {
				sources, ok := directives[name]
				if ok && !allow(sources, tag) {
					return name + " " + withoutNonces(sources)
				}
				if ok {
					break
				}
			}
		}
	}
	return ""
}

// allow reports whether sources of a Content-Security-Policy allow the page's own origin, or the nonce of the tag. A
// host of loopback is taken for the page's own.
func allow(sources []string, tag string) bool {
	own, strict := false, false
	for _, source := range sources {
		nonce, isNonce := strings.CutPrefix(source, "'nonce-")
		if isNonce && strings.Contains(tag, `nonce="`+strings.TrimSuffix(nonce, "'")+`"`) {
			return true
		}
		u, err := url.Parse(source)
		switch strings.ToLower(source) {
		case "'strict-dynamic'":
			strict = true
		case "'self'", "*", "http:", "https:":
			own = true
		default:
			own = own || isLoopback(source) || err == nil && isLoopback(u.Host)
		}
	}
	return own && !strict
}

// withoutNonces returns sources as text that is the same for each answer.
func withoutNonces(sources []string) string {
	var all []string
	for _, source := range sources {
		if strings.HasPrefix(source, "'nonce-") {
			source = "'nonce-…'"
		}
		all = append(all, source)
	}
	return strings.Join(all, " ")
}
