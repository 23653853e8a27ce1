// Package report tells people and programs what happens in a watch session:
// each thing that happens is a typed event, and each sink (text, JSON, status
// line, window title, open pages) shows the events in its way. No event and no
// wording has an effect.
package report

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// Event is one thing that happened, made of plain values. The set of events is
// closed: this package defines all of them. An event is immutable.
type Event interface {
	// entry describes the event in the one wording that every sink uses. The
	// zero entry is that of an event which is not written to the log.
	entry(View) entry
}

// Sink shows events, or acts on them. Handle is called by one goroutine at a time,
// in the order in which things happened.
type Sink interface {
	Handle(Event)
}

// Sinks passes each event on to every sink, in order.
type Sinks []Sink

// Handle implements Sink.
func (s Sinks) Handle(e Event) {
	for _, sink := range s {
		sink.Handle(e)
	}
}

// View is what the wording of an event depends on, apart from the event.
type View struct {
	Dir  string      // file names are shown relative to this folder
	HTTP func() bool // reports whether the program may serve HTTP; nil: it may
	JSON bool        // each run of a rule is an event; other events do not repeat it
}

// A Failure is an event that may leave newer code not running: then clients
// reach older code, or nothing.
type Failure interface {
	Event
	// Failure returns what has failed, in a few words, and what runs instead. The
	// first is "" if this event is not a failure after all.
	Failure() (headline, current string)
}

// IsFix reports whether an event says that the last failure is fixed.
func IsFix(e Event) bool { return e.entry(View{}).fixed }

// Status is the failure that is not fixed yet. The zero Status is none.
type Status struct {
	Failing string    // headline of the failure
	Since   time.Time // of the first failure with this headline
}

// Failed returns the status after one more failure.
func (s Status) Failed(f Failure, now time.Time) Status {
	headline, _ := f.Failure()
	if headline == "" || headline == s.Failing {
		return s
	}
	return Status{headline, now}
}

// Current is what runs while the newest code does not.
type Current struct {
	Worker   starter.Worker // serves; zero if there is none
	Built    time.Time      // start of the build that Worker runs
	Starting starter.Worker // will serve next; zero if there is none
	Stopping bool           // hotstart ends
	BackTo   time.Time      // start of the older build that is started again; zero if none is
}

// String says it in a few words, which end a line.
func (c Current) String() string {
	switch {
	case !c.BackTo.IsZero():
		return "returning to the build of " + clock(c.BackTo)
	case c.Worker.PID != 0:
		return fmt.Sprintf("still serving worker %d (built %s)", c.Worker.Generation, clock(c.Built))
	case c.Starting.PID != 0:
		return fmt.Sprintf("worker %d is starting", c.Starting.Generation)
	case c.Stopping:
		return "stopping"
	}
	return "no worker runs; waiting for a change"
}

// facts returns the JSON fields that every event about newer code has.
func (c Current) facts(changed []string) facts {
	f := facts{Changed: changed, Serving: c.Worker.Generation}
	if f.Serving != 0 {
		f.CodeOf = c.Built.Format(time.RFC3339Nano)
	}
	return f
}

// Cause is what led to an event: edits, and the rules that ran because of them.
type Cause struct {
	Changed []string  // absolute
	Rules   []RuleRun // runs since the last event with a cause
}

// RuleRun is one run of a rule that succeeded.
type RuleRun struct {
	Rule  string // title
	Files []string
	Took  time.Duration
}

func (r RuleRun) String() string { return fmt.Sprintf("%s took %s", r.Rule, took(r.Took)) }

// files returns the files that the rules ran for and those that changed, each once.
func (c Cause) files(v View) (all []string) {
	if v.JSON {
		return c.Changed
	}
	add := func(files []string) {
		for _, file := range files {
			if !slices.Contains(all, file) {
				all = append(all, file)
			}
		}
	}
	for _, r := range c.Rules {
		add(r.Files)
	}
	add(c.Changed)
	return all
}

// then begins a line with the cause of what happened.
func (c Cause) then(v View, what string) string {
	if runs := c.runs(v); runs != "" {
		what = runs + "; " + what
	}
	return v.changed(c.files(v), what)
}

// runs lists the runs of rules.
func (c Cause) runs(v View) string {
	if v.JSON {
		return ""
	}
	var texts []string
	for _, r := range c.Rules {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ", ")
}

// changed begins a line with the files that changed, if there are any.
func (v View) changed(files []string, what string) string {
	if len(files) == 0 {
		return what
	}
	return v.names(files) + " changed; " + what
}

// names lists files in a few words.
func (v View) names(files []string) string {
	switch len(files) {
	case 0:
		return "nothing"
	case 1:
		return v.name(files[0])
	case 2:
		return v.name(files[0]) + " and " + v.name(files[1])
	}
	return fmt.Sprintf("%s and %d more", v.name(files[0]), len(files)-1)
}

// name is the shortest name by which a terminal in the folder opens a file.
func (v View) name(file string) string {
	relative, err := filepath.Rel(v.Dir, file)
	if err != nil || len(relative) > len(file) {
		return file
	}
	return relative
}

// entry is an event in words: one line, and more lines below it.
type entry struct {
	name    string // in JSON; "" if the event is not written
	only    format // "" if the event is written in both formats
	isError bool   // the reader should notice it
	fixed   bool   // the line begins with "fixed: "
	text    string
	hint    string // dim, behind the text
	details        // below the text
	facts
}

// format is a value of --log-format.
type format string

const (
	onlyText format = "text"
	onlyJSON format = "json"
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

// problem is a diagnostic in JSON.
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

// clock is the time of day.
func clock(t time.Time) string { return t.Format("15:04:05") }
