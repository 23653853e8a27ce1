// Package report tells people and programs what happens. Each thing that happens is a
// typed event with one wording, and each sink (text or JSON log, status line, alerts, open
// pages, start_server's log) shows the events in its own way. Events have no effects.
package report

import (
	"fmt"
	"time"

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
	LAN  string      // host by which other machines reach this one; empty: none is shown
	JSON bool        // each run of a rule is an event; other events do not repeat it
}

// Failure returns what has failed, in a few words, and what runs instead, if newer code
// does not run after an event: clients reach older code, or nothing. Otherwise headline
// is "".
func Failure(e Event) (headline, current string) {
	words := e.entry(View{})
	return words.headline, words.current
}

// IsFix reports whether an event says that the last failure is fixed.
func IsFix(e Event) bool { return e.entry(View{}).fixed }

// Status is the failure that is not fixed yet. The zero Status is none.
type Status struct {
	Failing string    // headline of the failure
	Since   time.Time // of the first failure with this headline
}

// Failed returns the status after one more failure.
func (s Status) Failed(e Event, now time.Time) Status {
	headline, _ := Failure(e)
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

// String returns the words that end the line of a failure.
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

// failure begins the entry of a failure.
func (c Current) failure(name, headline string, changed []string) entry {
	return entry{name: name, isError: true, headline: headline, current: c.String(), facts: c.facts(changed)}
}

// facts returns the JSON fields that every event about newer code has.
func (c Current) facts(changed []string) facts {
	f := facts{Changed: changed, Serving: c.Worker.Generation}
	if f.Serving != 0 {
		f.CodeOf = c.Built.Format(time.RFC3339Nano)
	}
	return f
}
