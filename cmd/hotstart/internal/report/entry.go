package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// entry is an event in words: one line, and more lines below it.
type entry struct {
	name    string // in JSON; "" if the event is not written
	only    format // "" if the event is written in every format
	isError bool   // the reader should notice it
	fixed   bool   // the line begins with "fixed: "

	headline, current string // of a failure: see Failure; "" otherwise

	text    string
	hint    string // dim, behind the text
	details        // below the text
	facts
}

// format is a value of --log-format.
type format string

const (
	onlyText  format = "text"
	onlyPlain format = "plain" // the text format without a terminal
	onlyJSON  format = "json"
)

// details are the lines below an event in the text format.
type details struct {
	problems []builder.Diagnostic // each with its line of source
	output   []string             // last lines of a worker; shown if there are no problems
	notes    []string             // lines
	keys     []Key
}

// facts are the JSON fields of an event. Their names are a promise, listed in
// docs/watch.md.
type facts struct {
	Worker    int       `json:"worker,omitempty"` // generation
	PID       int       `json:"pid,omitempty"`
	Changed   []string  `json:"changed,omitempty"`  // absolute
	BuildMS   float64   `json:"build_ms,omitempty"` // duration of the build
	Command   string    `json:"command,omitempty"`  // of a rule
	CommandMS float64   `json:"command_ms,omitempty"`
	Addresses []string  `json:"addresses,omitempty"`
	Reason    string    `json:"reason,omitempty"` // how a worker ended
	Signal    string    `json:"signal,omitempty"`
	Errors    []problem `json:"errors,omitempty"`
	Output    []string  `json:"output,omitempty"` // last lines of a worker that failed
	Serving   int       `json:"serving,omitempty"`
	CodeOf    string    `json:"code_of,omitempty"` // start of the build that serves
	Hint      string    `json:"hint,omitempty"`    // command to type next
}

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

// workerFacts returns the JSON fields about a worker.
func workerFacts(w starter.Worker) facts { return facts{Worker: w.Generation, PID: w.PID} }

// message is the line of the event without colours.
func (e entry) message() string {
	if e.fixed {
		return "fixed: " + e.text
	}
	return e.text
}

// object is the event in JSON. Its first key is "hotstart", which tells it from
// the lines that the program logs.
func (e entry) object(now time.Time) string {
	b, err := json.Marshal(struct {
		Name    string `json:"hotstart"`
		Time    string `json:"time"`
		Bad     bool   `json:"bad"`
		Message string `json:"message"`
		facts
	}{e.name, now.Format(time.RFC3339Nano), e.isError, e.message(), e.facts})
	if err != nil {
		panic(err) // only strings and numbers are marshaled
	}
	var object strings.Builder
	for _, r := range string(b) {
		if term.IsControl(r) { // JSON allows some
			fmt.Fprintf(&object, `\u%04x`, r)
			continue
		}
		object.WriteRune(r)
	}
	return object.String()
}

// milliseconds is the unit of durations in JSON.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// took rounds a duration for a reader.
func took(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func clock(t time.Time) string { return t.Format("15:04:05") }
