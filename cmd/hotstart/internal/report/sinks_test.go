package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// onTerminal returns what a sink writes to a terminal.
func onTerminal(sink func(*term.Screen) Sink, events ...Event) string {
	var b strings.Builder
	s := sink(term.NewScreen(&b, true))
	for _, e := range events {
		s.Handle(e)
	}
	return b.String()
}

func TestText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte("package main\n\tx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := builder.Diagnostic{File: file, Line: 2, Column: 2, Message: "undefined: x\n\thave none"}
	text := func(s *term.Screen) Sink {
		l := NewTextLog(s, false, false)
		l.Dir = dir
		return l
	}
	failed := starter.Event{Kind: starter.Failed, Worker: one, Status: 1 << 8}
	for name, test := range map[string]struct {
		event Event
		want  string
	}{
		"an error with its line of source": {
			BuildFailed{Errors: []builder.Diagnostic{bad}},
			"hotstart: the build failed; no worker runs; waiting for a change\n" +
				"  main.go:2:2: undefined: x\n    \thave none\n       2 |     x\n         |     ^\n",
		},
		"many errors": {
			BuildFailed{Errors: slices.Repeat([]builder.Diagnostic{{Message: "no"}}, 10)},
			"hotstart: the build failed with 10 errors; no worker runs; waiting for a change\n" + strings.Repeat("  no\n", 8) + "  and 2 errors more\n",
		},
		"the last lines of a worker": {
			StartFailed{Event: failed, Exit: Exit{Output: []string{"no database"}, InUse: []string{":80 is held by pid 1 (x)"}}, Overlap: true},
			"hotstart: worker 1 (pid 11) failed to start: exit status 1; no worker runs; waiting for a change\n" +
				"  | no database\n  :80 is held by pid 1 (x)\n  if it fails because the old worker still runs: --overlap=off stops the old worker first\n",
		},
		"a panic without its last lines": {
			StartFailed{Event: failed, Exit: panicky}, "hotstart: worker 1 (pid 11) failed to start: exit status 1; no worker runs; waiting for a change\n  panic: no\n",
		},
		"the output of a rule": {
			RuleFailed{Rule: "gen", Err: errBoom, Output: "a.templ:\n\t\x1b[31mno"},
			"hotstart: gen failed: boom; no worker runs; waiting for a change\n  a.templ:\n  \tno\n",
		},
		"a text of several lines": {Note{"a\nb"}, "hotstart: a\n  b\n"},
		"a hint behind the text":  {Building{Package: ".", Keys: true}, "hotstart: building . (h shows the keys)\n"},
		"keys":                    {Keys{[]Key{{"r", "restart"}}}, "hotstart: keys\n  r  restart\n"},
		"an error with a hint":    {Failed{hinted{errBoom}}, "hotstart: boom\n  hotstart watch --help\n"},
		"an event of JSON alone":  {RuleDone{RuleRun: gen}, ""},
		"an event of other sinks": {Progress{}, ""},
		"the end of a failure":    {RulesDone{[]RuleRun{{Rule: "gen"}}, true}, "hotstart: fixed: gen took 0s\n"},
		"a program that leaves a process": {Ended{Event: starter.Event{Kind: starter.Completed, Worker: one, Holder: "pid 2 (x)"}}, "hotstart: worker 1 (pid 11) has ended, but it left pid 2 (x); waiting for a change\n" +
			"  hotstart stops that process before it starts the program again; a program must stay in the\n  foreground to be reloaded without a gap\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := onTerminal(text, test.event); got != test.want {
				t.Errorf("got\n%s, want\n%s", got, test.want)
			}
		})
	}
}

// TestPlainText checks what problem matchers read.
func TestPlainText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	l := NewTextLog(term.NewScreen(&b, false), false, false)
	l.Dir = "/src"
	at := func(line, column int) []builder.Diagnostic {
		return []builder.Diagnostic{{File: "/src/a.go", Line: line, Column: column, Message: "no\n\thave none"}}
	}
	for _, e := range []Event{
		ReloadBegan{}, BuildFailed{Errors: append(at(2, 3), builder.Diagnostic{Message: "no place"})}, ReloadEnded{"the build failed"},
		StartFailed{Event: starter.Event{Kind: starter.Failed, Worker: one, Status: 1 << 8}, Exit: Exit{Panic: at(4, 0)}}, BuildFailed{Errors: at(0, 0)},
	} {
		l.Handle(e)
	}
	const want = "hotstart: reload begins\n" +
		"hotstart: the build failed with 2 errors; no worker runs; waiting for a change\na.go:2:3: no\n    \thave none\n  no place\n" +
		"hotstart: reload ends: the build failed\n" +
		"hotstart: worker 1 (pid 11) failed to start: exit status 1; no worker runs; waiting for a change\na.go:4:1: no\n    \thave none\n" +
		"hotstart: the build failed; no worker runs; waiting for a change\na.go:1:1: no\n    \thave none\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if got := onTerminal(func(s *term.Screen) Sink { return NewTextLog(s, false, false) }, ReloadBegan{}, ReloadEnded{}); got != "" {
		t.Errorf("on a terminal: %q", got)
	}
}

func TestColoursAndLinks(t *testing.T) {
	t.Parallel()
	got := onTerminal(func(s *term.Screen) Sink { return NewTextLog(s, true, true) },
		BuildFailed{Errors: []builder.Diagnostic{{File: "/none/a b.go", Line: 3, Message: "no"}}}, RulesDone{[]RuleRun{{Rule: "gen"}}, true})
	host, _ := os.Hostname()
	for _, want := range []string{
		"\x1b[36mhotstart:\x1b[0m \x1b[31mthe build failed; no worker runs; waiting for a change\x1b[0m\n",
		"  \x1b]8;;file://" + host + "/none/a%20b.go\x1b\\\x1b[31m/none/a b.go:3\x1b[0m\x1b]8;;\x1b\\: no\n",
		"\x1b[32mfixed\x1b[0m: gen took 0s\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
}

func TestDroppedLinesAreReported(t *testing.T) {
	t.Parallel()
	s := term.NewScreen(new(strings.Builder), false)
	if got, want := NewTextLog(s, false, false).Dropped(1), "hotstart: 1 line dropped here, because the output was not read\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := NewJSONLog(s).Dropped(2); !strings.HasPrefix(got, `{"hotstart":"warning",`) || !strings.Contains(got, `"message":"2 lines dropped here, `) {
		t.Error(got)
	}
}

func TestStatusLine(t *testing.T) {
	t.Parallel()
	got := onTerminal(func(s *term.Screen) Sink { return NewStatusLine(NewTextLog(s, false, false)) },
		Progress{builder.Progress{Begun: 3, Packages: 7}}, Progress{builder.Progress{Begun: 7, Packages: 7}}, RuleRunning{"gen"},
		StatusChanged{Status{"the build failed", at}, current}, Note{"not for the status line"}, StatusChanged{})
	var want string
	for i, text := range []string{"building: 3 of 7 packages", "building: the last of 7 packages, and linking", "gen is running",
		"✗ the build failed at 09:41:27; still serving worker 1 (built 09:41:27)"} {
		if i > 0 {
			want += "\r\x1b[K"
		}
		want += fmt.Sprintf("\x1b[?7l%s\x1b[?7h", text)
	}
	if want += "\r\x1b[K"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	got := onTerminal(func(s *term.Screen) Sink {
		a := NewAlerts(s, "api")
		a.Bell = true
		return a
	}, StatusChanged{}, Note{"no alert"}, BuildFailed{}, failing("the build failed"), Unchanged{}, failing("the build failed"),
		RuleFailed{Rule: "gen", Err: errBoom}, failing("gen failed"), RuleDone{}, failing("the build failed"),
		Unchanged{Fixed: true}, StatusChanged{}, Ended{Event: starter.Event{Kind: starter.Completed}})
	if want := "\x1b[22;0t\x1b]2;✗ api: the build failed\a\a\x1b]2;✗ api: gen failed\a\a" +
		"\x1b]2;✗ api: the build failed\a\x1b]2;✓ api\a\a"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// failing is the status of a failure.
func failing(headline string) StatusChanged { return StatusChanged{Status: Status{Failing: headline}} }

func TestFailureForBrowsers(t *testing.T) {
	t.Parallel()
	p := Pages{Dir: "/src"}
	got := p.Failure(StartFailed{Event: starter.Event{Kind: starter.Failed, Worker: one, Err: errors.New("no")}, Exit: Exit{Output: []string{"a", "b"}, Panic: wrong}})
	if time.Since(time.UnixMilli(got.At)) > time.Hour {
		t.Error("the failure has no time")
	}
	got.At = 0
	want := browser.Failure{Title: "worker 1 failed to start: no", Current: "no worker runs; waiting for a change", Output: "a\nb",
		Problems: []browser.Problem{{Place: "main.go:9:2", Message: "undefined: x"}}}
	if fmt.Sprint(*got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", *got, want)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	address := func(network, host, scheme string) starter.Address {
		return starter.Address{Network: network, Host: host, Port: 80, Path: "/s", Scheme: scheme}
	}
	no := View{HTTP: func() bool { return false }}
	for _, test := range []struct {
		view    View
		address starter.Address
		want    string
	}{
		{View{}, address("tcp", "", ""), "http://localhost:80"},
		{View{}, address("tcp4", "0.0.0.0", "http"), "http://localhost:80"},
		{View{}, address("tcp6", "::1", "https"), "https://[::1]:80"},
		{View{}, address("tcp", "example.com", "tcp"), "example.com:80"},
		{no, address("tcp", "", ""), "localhost:80"},
		{no, address("tcp", "", "http"), "http://localhost:80"},
		{View{}, address("unix", "", ""), "/s"},
	} {
		if got := test.view.place(test.address); got != test.want {
			t.Errorf("%+v is %s, want %s", test.address, got, test.want)
		}
	}
}
