package browser

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A second begins with its first error.
func TestFiveErrorsInASecondAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		var got []string
		note := func(format string, a ...any) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%v ", time.Since(began))+fmt.Sprintf(format, a...))
		}
		l := &errorLog{report: func(e PageError) { note("%s", e.Text) }, leftOut: func(n int) { note("%d out", n) }}
		add := func(left int, texts ...string) {
			var errors []PageError
			for _, text := range texts {
				errors = append(errors, PageError{Text: text})
			}
			l.add(errors, left)
			synctest.Wait()
		}
		add(0, "a", "b", "c")
		time.Sleep(500 * time.Millisecond)
		add(10, "d", "e", "f")
		add(-7, "g")
		time.Sleep(499 * time.Millisecond)
		add(0, "h")
		time.Sleep(2 * time.Millisecond)
		add(1)
		add(0, "i")
		time.Sleep(2 * time.Second)
		add(0, "j")
		time.Sleep(2 * time.Second)
		want := []string{"0s a", "0s b", "0s c", "500ms d", "500ms e", "1s 13 out", "1.001s i", "2.001s 1 out", "3.001s j"}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(got, want) {
			t.Errorf("%q\nwant %q", got, want)
		}
	})
}

// logged collects the errors that a server reports.
type logged struct {
	mu     sync.Mutex
	errors []PageError
	out    int
}

func logErrors(s *Server) *logged {
	l := &logged{}
	s.LogErrors(func(e PageError) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.errors = append(l.errors, e)
	}, func(n int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.out += n
	})
	return l
}

func (l *logged) all() []PageError {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errors)
}

func TestOnlyPagesReportErrors(t *testing.T) {
	off := open(t)
	const report = `{"errors": [{"text": "x", "source": "/a.js", "line": 3, "column": 4}]}`
	own, loopback := "/.hotstart/log", "/log"
	for _, test := range []struct {
		path, header, body string
		status             int
	}{
		{own, "Hotstart-Host: a.example\nHotstart-Origin: https://a.example", report, 204},
		{own, "Hotstart-Host: a.example\nHotstart-Origin: https://a.example\nHotstart-Sec-Fetch-Site: same-origin", report, 204},
		{own, "Hotstart-Host: a.example\nHotstart-Sec-Fetch-Site: same-origin", report, 403}, // each browser sends Origin with POST
		{own, "Hotstart-Host: a.example", report, 403},
		{own, "Hotstart-Host: a.example\nHotstart-Origin: https://evil.example", report, 403},
		{own, "Hotstart-Host: a.example\nHotstart-Origin: null", report, 403},
		{own, "Hotstart-Host: a.example\nHotstart-Origin: https://a.example\nHotstart-Sec-Fetch-Site: cross-site", report, 403},
		{own, "Origin: http://localhost", report, 403}, // not a request that a program has passed on
		{loopback, "Origin: http://localhost:8080", report, 204},
		{loopback, "", report, 403},
		{loopback, "Origin: http://evil.example", report, 403},
		{loopback, "Origin: null", report, 403},
		{loopback, "Origin: http://localhost:8080", "", 400},
		{loopback, "Origin: http://localhost:8080", `{"errors": 1}`, 400},
		{loopback, "Origin: http://localhost:8080", `{"errors": [{"text": "` + strings.Repeat("x", maxErrorReport) + `"}]}`, 400},
	} {
		s := open(t)
		got := logErrors(s)
		if status := post(t, s, test.path, test.header, test.body); status != test.status {
			t.Errorf("%s with %q and %.100s: %d, want %d", test.path, test.header, test.body, status, test.status)
		}
		want := []PageError{{Text: "x", Source: "/a.js", Line: 3, Column: 4}}
		if test.status != 204 {
			want = nil
		}
		if !slices.Equal(got.all(), want) {
			t.Errorf("%s with %q and %.100s: %v", test.path, test.header, test.body, got.all())
		}
		if status := post(t, off, test.path, test.header, test.body); status == 204 {
			t.Errorf("%s with %q: %d without a log", test.path, test.header, status)
		}
	}
}

func TestAReportIsCut(t *testing.T) {
	s := open(t)
	got := logErrors(s)
	body := fmt.Sprintf(`{"errors": [{"text": %q, "source": %[1]q, "line": -1, "column": -2}]}`, strings.Repeat("x", 9000))
	if status := post(t, s, "/log", "Origin: http://localhost", body); status != 204 {
		t.Fatal(status)
	}
	want := PageError{Text: strings.Repeat("x", maxErrorText), Source: strings.Repeat("x", maxErrorText)}
	if all := got.all(); len(all) != 1 || all[0] != want {
		t.Errorf("%v", all)
	}
}

func post(t *testing.T, s *Server, path, header, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+s.Address()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}
