package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// event is one thing that the user gets to know: a line, with more below it
// where there is more to say, or with --log-format=json one object. The names
// of events and fields are a promise, listed in docs/watch.md.
type event struct {
	name string
	bad  bool   // it should be seen
	text string // tell cleans it
	hint string // dim, for people, behind the text
	more string // whole lines, for people
	facts
}

// facts are what a machine may want to know of an event.
type facts struct {
	Worker    int       `json:"worker,omitempty"` // its generation
	PID       int       `json:"pid,omitempty"`
	Changed   []string  `json:"changed,omitempty"`  // absolute
	BuildMS   float64   `json:"build_ms,omitempty"` // what the build took
	Command   string    `json:"command,omitempty"`  // of a rule
	CommandMS float64   `json:"command_ms,omitempty"`
	Addresses []string  `json:"addresses,omitempty"`
	Reason    string    `json:"reason,omitempty"` // how a worker ended
	Signal    string    `json:"signal,omitempty"`
	Errors    []problem `json:"errors,omitempty"`
	Output    []string  `json:"output,omitempty"` // the last lines of a worker that failed
	Serving   int       `json:"serving,omitempty"`
	CodeOf    string    `json:"code_of,omitempty"` // when the build of what serves began
	Hint      string    `json:"hint,omitempty"`    // what to type next
}

// problem is one thing that is wrong with the code.
type problem struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

func problems(diagnostics []builder.Diagnostic) (all []problem) {
	for _, d := range diagnostics {
		all = append(all, problem{d.File, d.Line, d.Column, d.Message})
	}
	return all
}

// factsOf are those of a worker.
func factsOf(w starter.Worker) facts { return facts{Worker: w.Generation, PID: w.PID} }

// line is the event for people.
func (e event) line(u *ui) string {
	text := strings.ReplaceAll(e.text, "\n", "\n  ") // a line that begins with hotstart: is an event
	hint := ""
	if e.hint != "" {
		hint = u.Dim(e.hint)
	}
	rest, mended := strings.CutPrefix(text, mended)
	switch {
	case e.bad:
		text = u.Error(text)
	case mended:
		text = u.Good("fixed") + ": " + rest
	}
	return u.Accent("hotstart:") + " " + text + hint + "\n" + e.more
}

// object is the event for machines. That its first key is "hotstart" tells
// it from what the program logs beside it.
func (e event) object(now time.Time) string {
	b, err := json.Marshal(struct {
		Name    string `json:"hotstart"`
		Time    string `json:"time"`
		Bad     bool   `json:"bad"`
		Message string `json:"message"`
		facts
	}{e.name, now.Format(time.RFC3339Nano), e.bad, e.text, e.facts})
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	var object strings.Builder
	for _, r := range string(b) {
		if term.IsControl(r) { // as JSON lets some
			fmt.Fprintf(&object, `\u%04x`, r)
			continue
		}
		object.WriteRune(r)
	}
	return object.String() + "\n"
}

// after says what follows from changed files.
func (u *ui) after(changed []string, what string) string {
	if len(changed) == 0 {
		return what
	}
	return u.names(changed) + " changed; " + what
}

// milliseconds are what facts count durations in.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// count names so many things.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// problems are the panic, for a machine.
func panicOf(w term.ExitReport) []problem {
	if w.Panic == "" {
		return nil
	}
	return []problem{{File: w.File, Line: w.Line, Message: w.Panic}}
}
