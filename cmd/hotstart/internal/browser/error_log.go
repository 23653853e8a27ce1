package browser

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// PageError is an error in a page that a browser shows. Every part of it is what the page says.
type PageError struct {
	Text   string `json:"text"`
	Source string `json:"source"` // URL, or path below the page's own origin; "" if it is not known
	Line   int    `json:"line"`   // from 1; 0 if it is not known
	Column int    `json:"column"`
}

const (
	// maxErrors is the number of errors in a second that are reported.
	maxErrors = 5
	// maxErrorReport is the size of a request with errors.
	maxErrorReport = 32 << 10
	// maxErrorText is the length of a text or a source; the script sends shorter ones.
	maxErrorText = 2000
)

// errorLog reports at most maxErrors in a second, and then the number of the others.
type errorLog struct {
	report  func(PageError)
	leftOut func(n int)

	mu        sync.Mutex
	counting  bool // a second has begun
	seen, out int  // errors in this second that are reported, and others
}

// add takes errors, and the number of errors that the page has left out.
func (l *errorLog) add(errors []PageError, left int) {
	for _, e := range l.take(errors, left) {
		l.report(e)
	}
}

func (l *errorLog) take(errors []PageError, left int) []PageError {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.counting {
		l.counting = true
		time.AfterFunc(time.Second, l.endSecond)
	}
	n := min(len(errors), maxErrors-l.seen)
	l.seen += n
	l.out += len(errors) - n + max(left, 0)
	return errors[:n]
}

func (l *errorLog) endSecond() {
	l.mu.Lock()
	out := l.out
	l.counting, l.seen, l.out = false, 0, 0
	l.mu.Unlock()
	if out > 0 {
		l.leftOut(out)
	}
}

// LogErrors makes the server take the errors of pages: report is called for each, at most five times in a second, and
// leftOut with the number of the others in a second. The calls are on goroutines of requests and of timers. LogErrors is
// called before Serve, or not at all: then errors are refused.
func (s *Server) LogErrors(report func(PageError), leftOut func(n int)) {
	s.errors = &errorLog{report: report, leftOut: leftOut}
}

// takeErrors answers a page that reports errors. origin is that of the page: browsers name it in each POST request.
func (s *Server) takeErrors(w http.ResponseWriter, r *http.Request, origin string) {
	if s.errors == nil {
		http.NotFound(w, r)
		return
	}
	if origin == "" {
		http.Error(w, "only for pages", http.StatusForbidden)
		return
	}
	var got struct {
		Errors []PageError `json:"errors"`
		Left   int         `json:"left"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxErrorReport)).Decode(&got); err != nil {
		http.Error(w, "not a report of errors", http.StatusBadRequest)
		return
	}
	for i := range got.Errors {
		e := &got.Errors[i]
		e.Text, e.Source = e.Text[:min(len(e.Text), maxErrorText)], e.Source[:min(len(e.Source), maxErrorText)]
		e.Line, e.Column = max(e.Line, 0), max(e.Column, 0)
	}
	s.errors.add(got.Errors, got.Left)
	w.WriteHeader(http.StatusNoContent)
}
