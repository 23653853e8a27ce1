package main

import (
	"maps"
	"slices"
	"time"
)

// rules decides which rule is to be run next. It knows no clock, no process
// and no file: it is told what changed when, and how a run came out.
//
// Nobody tells who has written a file. What changes while a rule runs, and is
// a file that it is for, may be its output or an edit, so it runs once more,
// for that file: a generator then leaves it as it is, and all is quiet. If
// the file is written in that run too, it is an output. So no edit is lost,
// and no rule goes on for ever on its own account.
type rules struct {
	all     []*duty
	running *duty
}

// duty is a rule and where it stands.
type duty struct {
	rule
	wants func(change) bool

	due     bool
	failed  bool            // the last run did; nothing is built until one does not
	stale   bool            // what it runs for has changed again
	files   map[string]bool // what the next run is for; true: they changed while it ran itself
	given   map[string]bool // what the last run was for
	outputs map[string]bool // what it writes itself each time
	began   time.Time       // the last run
	ended   time.Time       // zero: it runs
	turns   int             // runs in a row without an edit

	cancelled int // runs in a row that were cut short, since what they ran for had changed
}

// change is one file that changed.
type change struct {
	path      string
	at        time.Time // when it was written, or seen to be gone
	builds    bool      // the build reads it
	generated bool      // it says so itself
}

const (
	// enough runs in a row that nobody but rules has caused make a circle.
	enough = 5
	// clockTick is by how much the time of a file may lag behind.
	clockTick = 10 * time.Millisecond
)

func newDuty(r rule, wants func(change) bool) *duty {
	return &duty{rule: r, wants: wants, files: map[string]bool{}, outputs: map[string]bool{}}
}

// anew makes every rule due that does not wait for a change.
func (r *rules) anew() {
	for _, d := range r.all {
		d.due = d.due || !d.onChange
		d.turns = 0
	}
}

// changed takes in what has changed. An edit has rules that failed, or that
// ran in a circle, tried again.
func (r *rules) changed(changes []change) {
	edited := slices.ContainsFunc(changes, func(c change) bool { return !r.mayHaveWritten(c) })
	for _, d := range r.all {
		if edited {
			d.turns = 0
			d.due = d.due || d.failed
		}
		for _, c := range changes {
			if d.wants(c) {
				d.note(c)
			}
		}
	}
}

// mayHaveWritten reports whether a file changed while one of the rules ran.
func (r *rules) mayHaveWritten(c change) bool {
	return slices.ContainsFunc(r.all, func(d *duty) bool { return d.ran(c.at) })
}

// note takes in a change of a file that the rule is for.
func (d *duty) note(c change) {
	if !d.ran(c.at) {
		d.due, d.files[c.path] = true, false
		delete(d.outputs, c.path) // somebody else writes it, too
		return
	}
	own, given := d.given[c.path]
	switch {
	case c.generated || d.outputs[c.path]:
	case own:
		d.outputs[c.path] = true
	default:
		d.stale = d.stale || given
		d.due = true
		if _, edited := d.files[c.path]; !edited {
			d.files[c.path] = true
		}
	}
}

// wrote takes in when a file was written last that the run under way is for.
func (r *rules) wrote(path string, at time.Time) {
	if d := r.running; d.given[path] && d.ran(at) {
		d.outputs[path] = true
	}
}

// ran reports whether the last run was under way at a time.
func (d *duty) ran(at time.Time) bool {
	return !d.began.IsZero() && at.After(d.began.Add(-clockTick)) && (d.ended.IsZero() || !at.After(d.ended))
}

// next begins the run of the first rule that is due, or returns nil. A rule
// that is due once too often is left out.
func (r *rules) next(now time.Time) *duty {
	if r.running != nil {
		return nil
	}
	for _, d := range r.all {
		if d.due && d.turns < enough {
			d.begin(now)
			r.running = d
			return d
		}
	}
	return nil
}

func (d *duty) begin(now time.Time) {
	d.due, d.stale = false, false
	d.given, d.files = d.files, map[string]bool{}
	d.began, d.ended = now, time.Time{}
	d.turns++
}

// end notes how the run came out that is under way. What it was for is for
// the next one, too, unless it went well.
func (r *rules) end(now time.Time, outcome runOutcome) {
	d := r.running
	r.running, d.ended = nil, now
	d.failed = outcome == runFailed
	d.cancelled++
	if outcome == runCancelled {
		d.due = true
	} else {
		d.cancelled = 0
	}
	if outcome != runDone {
		maps.Copy(d.files, d.given)
	}
}

// runOutcome is how the run of a rule came out.
type runOutcome int

const (
	runDone runOutcome = iota
	runFailed
	runCancelled
)

// busy reports whether a rule runs or is to be run.
func (r *rules) busy() bool {
	return r.running != nil || slices.ContainsFunc(r.all, func(d *duty) bool { return d.due && d.turns < enough })
}

// failed reports whether what is built next would lack the work of a rule.
func (r *rules) failed() bool {
	return slices.ContainsFunc(r.all, func(d *duty) bool { return d.failed })
}

// circle returns, once, the rules that run because of each other.
func (r *rules) circle() (names []string) {
	found := false
	for _, d := range r.all {
		if d.turns >= enough-1 {
			names = append(names, d.title())
		}
		if d.turns >= enough && d.due {
			d.due, found = false, true
		}
	}
	if !found {
		return nil
	}
	return names
}

// names lists the files of a run, sorted.
func (d *duty) names() []string { return slices.Sorted(maps.Keys(d.given)) }
