package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Limits of a request. A client needs a few hundred bytes, and milliseconds.
const (
	maxHeader     = 8 << 10
	requestTime   = 5 * time.Second
	writeTime     = 10 * time.Second // a client that reads nothing for this time is disconnected
	defaultWait   = 60 * time.Second
	maxWait       = 24 * time.Hour
	defaultRecent = 100 // events or lines before those that follow
)

// Server answers the requests of clients. Make it with NewServer.
type Server struct {
	of       Controlled
	metrics  http.Handler
	http     *http.Server
	end      context.CancelFunc // of every request
	listener net.Listener       // nil before Serve
}

// NewServer returns a server that answers for a hotstart. metrics answers GET /metrics.
func NewServer(of Controlled, metrics http.Handler) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{of: of, metrics: metrics, end: cancel}
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(io.Discard, "", 0), // about broken requests of clients
	}
	s.http.SetKeepAlivesEnabled(false) // an idle client holds no connection
	return s
}

// Serve begins to answer on a listener. Close closes the listener.
func (s *Server) Serve(l net.Listener) {
	s.listener = l
	go s.http.Serve(l) // ends when the listener is closed
}

// Close ends every request and closes the listener.
func (s *Server) Close() error {
	s.end()
	s.http.Close()
	if s.listener == nil {
		return nil
	}
	return s.listener.Close() // package http does not know it yet if Serve has just begun
}

// Handler returns the API. Its paths begin with the version.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	mux.HandleFunc("GET /v1/wait", s.wait)
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, r *http.Request) { s.reload(w, r, Reload{}) })
	mux.HandleFunc("POST /v1/restart", func(w http.ResponseWriter, r *http.Request) { s.reload(w, r, Reload{Restart: true}) })
	mux.HandleFunc("POST /v1/stop", s.stop)
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) { follow(w, r, s.of.Events(), 0, true) })
	mux.HandleFunc("GET /v1/logs", s.logs)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
		s.metrics.ServeHTTP(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			refuse(w, http.StatusRequestEntityTooLarge, errors.New("the request has a body; options belong into the URL, for example ?wait=true"))
			return
		}
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // at the deadline net/http would cancel the request
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	status, err := s.of.Status(r.Context())
	if err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusOK, status)
}

func (s *Server) wait(w http.ResponseWriter, r *http.Request) {
	ctx, cancel, err := withTimeout(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	defer cancel()
	result, err := s.of.Wait(ctx)
	s.result(w, r, result, err)
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request, how Reload) {
	ctx, cancel, err := withTimeout(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	defer cancel()
	if how.Wait, err = boolean(r, "wait", false); err == nil {
		how.Drained, err = boolean(r, "drained", false)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	result, err := s.of.Reload(ctx, how)
	s.result(w, r, result, err)
}

// result answers with the result of a wait. If the time is up, the answer has the
// state at that moment.
func (s *Server) result(w http.ResponseWriter, r *http.Request, result Result, err error) {
	switch {
	case errors.Is(err, errTimeUp):
		result = Result{Outcome: TimedOut}
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if status, err := s.of.Status(ctx); err == nil {
			result.State, result.Serving, result.Failure = status.State, status.Serving, status.Failure
		}
	case errors.Is(err, ErrEnds):
		result = Result{Outcome: Ends, State: Stopping}
	case err != nil:
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, statusCodes[result.Outcome], result)
}

// statusCodes lets curl --fail tell the outcomes apart.
var statusCodes = map[Outcome]int{
	Served: http.StatusOK, Accepted: http.StatusAccepted, Failed: http.StatusConflict, TimedOut: http.StatusGatewayTimeout, Ends: http.StatusServiceUnavailable,
}

// stop asks hotstart to end. The answer is complete when hotstart has ended, or with
// wait=false at once.
func (s *Server) stop(w http.ResponseWriter, r *http.Request) {
	wait, err := boolean(r, "wait", false)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := s.of.Stop(r.Context()); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	answer(w, http.StatusAccepted, Result{Outcome: Accepted, State: Stopping})
	if wait {
		http.NewResponseController(w).Flush()
		<-r.Context().Done() // the kernel closes the connection with the process
	}
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	lines, err := s.of.Lines()
	if err != nil {
		refuse(w, http.StatusNotFound, err)
		return
	}
	follow(w, r, lines, defaultRecent, false)
}

// follow sends the objects of a source, one per line: the last ones, and with follow=true
// those that come.
func follow(w http.ResponseWriter, r *http.Request, source Source, recent int, endless bool) {
	endless, err := boolean(r, "follow", endless)
	if text := r.URL.Query().Get("last"); err == nil && text != "" {
		recent, err = strconv.Atoi(text)
		if err != nil || recent < 0 {
			err = errors.New("last=" + strconv.Quote(text) + " is not a number of objects; want 0 or more")
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	control := http.NewResponseController(w)
	for objects, missed := range source.Follow(r.Context(), recent, endless) {
		control.SetWriteDeadline(time.Now().Add(writeTime))
		if missed > 0 {
			w.Write([]byte(`{"missed":` + strconv.FormatInt(missed, 10) + "}\n"))
		}
		for _, object := range objects {
			w.Write(object)
			w.Write([]byte("\n"))
		}
		if control.Flush() != nil {
			return
		}
	}
}

var errTimeUp = errors.New("the time is up")

// withTimeout returns a context that is done when the time of the request is up.
func withTimeout(r *http.Request) (context.Context, context.CancelFunc, error) {
	timeout := defaultWait
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil || timeout < 0 {
			return nil, nil, errors.New("timeout=" + strconv.Quote(text) + " is not a duration; want for example 30s")
		}
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), min(timeout, maxWait), errTimeUp)
	return ctx, cancel, nil
}

func boolean(r *http.Request, name string, byDefault bool) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return byDefault, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		err = errors.New(name + "=" + strconv.Quote(text) + " is not a boolean; want true or false")
	}
	return value, err
}

// Problem is the answer to a request that is invalid or can't be carried out.
type Problem struct {
	Text string `json:"error"`
	Next string `json:"hint,omitempty"` // command to type next
}

func (p *Problem) Error() string { return p.Text }

// Hint returns the command to type next, or "".
func (p *Problem) Hint() string { return p.Next }

func refuse(w http.ResponseWriter, code int, err error) {
	p := Problem{Text: err.Error()}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		p.Next = hinted.Hint()
	}
	answer(w, code, p)
}

func answer(w http.ResponseWriter, code int, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err) // only strings, numbers and times are marshaled
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(b, '\n'))
}
