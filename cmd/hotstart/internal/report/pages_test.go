package report

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
)

// What a page gets after an event: a new time of the page, or of style sheets.
func TestPagesLoadAgain(t *testing.T) {
	server, err := browser.Listen(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve()
	defer server.Close()
	p := &Pages{Server: server}
	css, code := Cause{Changed: []string{"/a.css"}}, Cause{Changed: []string{"/a.css", "/a.go"}}
	for _, test := range []struct {
		name  string
		event Event
		page  bool   // it loads again
		style string // JSON, without times
	}{
		{"a first worker", Serving{Stale: time.UnixMilli(1)}, true, ""},
		{"the same program", Unchanged{Cause: code}, false, ""},
		{"style sheets of a worker", Serving{Cause: css, Styles: css.Changed, Stale: time.UnixMilli(2)}, false, "a.css"},
		{"style sheets that are in the program already", Unchanged{Cause: css}, false, "a.css"},
		{"code that is in the program already", Unchanged{Cause: code}, true, ""},
		{"style sheets in use", Refreshed{Cause: css}, false, "a.css"},
		{"files in use", Refreshed{Cause: code}, true, ""},
	} {
		before := news(t, server)
		p.Handle(test.event)
		after := news(t, server)
		if (after.Page != before.Page) != test.page || strings.Join(slices.Collect(maps.Keys(after.Styles)), " ") != test.style {
			t.Errorf("%s: %+v, then %+v", test.name, before, after)
		}
	}
}

type state struct {
	Page   int64            `json:"page"`
	Styles map[string]int64 `json:"styles"`
}

// news reads what a page that opens gets.
func news(t *testing.T, s *browser.Server) (n state) {
	t.Helper()
	answer, err := http.Get(s.URL() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	line, err := bufio.NewReader(answer.Body).ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestExcerpt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte("package main\n\nfunc main() {\n\tx := 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `      2 | 
      3 | func main() {
>     4 |     x := 1
        |     ^
      5 | }`
	if got := excerpt(builder.Diagnostic{File: file, Line: 4, Column: 2}); got != want {
		t.Errorf("\n%s\nnot\n%s", got, want)
	}
	if got := excerpt(builder.Diagnostic{File: file, Line: 0, Column: 0}); got != "" {
		t.Errorf("%q", got)
	}
	if got := excerpt(builder.Diagnostic{File: "none", Line: 1, Column: 1}); got != "" {
		t.Errorf("%q", got)
	}
}
