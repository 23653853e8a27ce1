package rules

import (
	"maps"
	"slices"
	"time"
)

// Engine decides which rule runs next. It knows no clock, process or file:
// its inputs are the changes of files and the outcomes of runs.
//
// The system does not report which process has written a file. A file that
// matches a rule and changes while the rule runs may be an output or an edit,
// so the rule runs once more for that file: a generator then leaves the file
// unchanged, and the rule comes to rest. If the second run writes the file,
// too, the file is an output. So no edit is lost, and no rule keeps itself
// running.
type Engine struct {
	states  []*State
	running *State
}

// State is a rule and the progress of its runs.
type State struct {
	Rule
	Began time.Time // start of the last run; zero before the first one
	Ended time.Time // end of the last run; zero while it is under way

	matches func(Change) bool

	due       bool
	failed    bool            // the last run failed; nothing is built until a run succeeds
	stale     bool            // an input of the current run has changed again
	pending   map[string]bool // input files of the next run; true: the file changed during a run of the rule itself
	inputs    map[string]bool // input files of the current run, or of the last one
	outputs   map[string]bool // files that the rule writes in each run
	runs      int             // consecutive runs without an edit
	cancelled int             // consecutive runs that were cancelled because an input changed again
}

// Change is one file that changed.
type Change struct {
	Path      string
	At        time.Time // modification time, or when the removal was seen
	Builds    bool      // the build reads the file
	Generated bool      // the file says that it is generated
}

// Outcome is the result of a run.
type Outcome int

// The outcomes of a run.
const (
	Succeeded Outcome = iota
	Failed
	Cancelled
)

const (
	// maxRuns consecutive runs without an edit are a cycle.
	maxRuns = 5
	// maxCancelled consecutive runs of a rule are cancelled because of newer
	// changes. The next run is left to finish.
	maxCancelled = 3
	// minRunTime passes before a stale run is cancelled: most runs end
	// earlier, and a cancelled command may leave a partial file.
	minRunTime = time.Second
	// clockTick is the maximum lag of a file's modification time.
	clockTick = 10 * time.Millisecond
)

// Inherit takes over the run of another engine that is under way: it ends
// before a rule of this engine runs.
func (e *Engine) Inherit(other Engine) { e.running = other.running }

// Add adds a rule after the others. matches reports whether the rule is for a
// change.
func (e *Engine) Add(r Rule, matches func(Change) bool) {
	e.states = append(e.states, &State{Rule: r, matches: matches, pending: map[string]bool{}, outputs: map[string]bool{}})
}

// Empty reports whether there are no rules.
func (e *Engine) Empty() bool { return len(e.states) == 0 }

// Running returns the rule that runs, or nil.
func (e *Engine) Running() *State { return e.running }

// RunAll makes every rule due that does not wait for a change.
func (e *Engine) RunAll() {
	for _, s := range e.states {
		s.due = s.due || !s.OnChange
		s.runs = 0
	}
}

// Changed adds changes of files. After an edit, rules that failed or that were
// paused in a cycle run again.
func (e *Engine) Changed(changes []Change) {
	edited := slices.ContainsFunc(changes, func(c Change) bool { return !e.mayHaveWritten(c) })
	for _, s := range e.states {
		if edited {
			s.runs = 0
			s.due = s.due || s.failed
		}
		for _, c := range changes {
			if s.matches(c) {
				s.add(c)
			}
		}
	}
}

// mayHaveWritten reports whether a file changed while one of the rules ran.
func (e *Engine) mayHaveWritten(c Change) bool {
	return slices.ContainsFunc(e.states, func(s *State) bool { return s.ranAt(c.At) })
}

// add adds a change of a file that matches the rule.
func (s *State) add(c Change) {
	if !s.ranAt(c.At) {
		s.due, s.pending[c.Path] = true, false
		delete(s.outputs, c.Path) // the file has another writer, too
		return
	}
	own, input := s.inputs[c.Path]
	switch {
	case c.Generated || s.outputs[c.Path]:
	case own:
		s.outputs[c.Path] = true
	default:
		s.stale = s.stale || input
		s.due = true
		if _, edited := s.pending[c.Path]; !edited {
			s.pending[c.Path] = true
		}
	}
}

// Modified adds the modification time of an input file of the current run.
// The watcher does not report a file that was written with the same bytes.
func (e *Engine) Modified(path string, at time.Time) {
	if s := e.running; s.inputs[path] && s.ranAt(at) {
		s.outputs[path] = true
	}
}

// ranAt reports whether the last run was under way at a time.
func (s *State) ranAt(at time.Time) bool {
	return !s.Began.IsZero() && at.After(s.Began.Add(-clockTick)) && (s.Ended.IsZero() || !at.After(s.Ended))
}

// Next begins the run of the first rule that is due, and returns the rule. It
// returns nil if a rule runs already or none is due.
func (e *Engine) Next(now time.Time) *State {
	if e.running != nil {
		return nil
	}
	for _, s := range e.states {
		if s.ready() {
			s.begin(now)
			e.running = s
			return s
		}
	}
	return nil
}

// ready reports whether the rule is due and not part of a cycle.
func (s *State) ready() bool { return s.due && s.runs < maxRuns }

func (s *State) begin(now time.Time) {
	s.due, s.stale = false, false
	s.inputs, s.pending = s.pending, map[string]bool{}
	s.Began, s.Ended = now, time.Time{}
	s.runs++
}

// CancelAt returns when the current run is to be cancelled because one of its
// input files has changed again, or zero for never.
func (e *Engine) CancelAt() time.Time {
	if s := e.running; s != nil && s.stale && s.cancelled < maxCancelled {
		return s.Began.Add(minRunTime)
	}
	return time.Time{}
}

// End ends the current run. Unless the run succeeded, its input files are
// input files of the next run, too.
func (e *Engine) End(now time.Time, outcome Outcome) {
	s := e.running
	e.running, s.Ended = nil, now
	s.failed = outcome == Failed
	s.cancelled++
	if outcome == Cancelled {
		s.due = true
	} else {
		s.cancelled = 0
	}
	if outcome != Succeeded {
		maps.Copy(s.pending, s.inputs)
	}
}

// Busy reports whether a rule runs or is ready to run.
func (e *Engine) Busy() bool {
	return e.running != nil || slices.ContainsFunc(e.states, (*State).ready)
}

// Failed reports whether the last run of a rule failed, so that a build would
// lack its output.
func (e *Engine) Failed() bool {
	return slices.ContainsFunc(e.states, func(s *State) bool { return s.failed })
}

// Cycle returns, once, the titles of rules that trigger each other.
func (e *Engine) Cycle() (titles []string) {
	found := false
	for _, s := range e.states {
		if s.runs >= maxRuns-1 {
			titles = append(titles, s.Title())
		}
		if s.runs >= maxRuns && s.due {
			s.due, found = false, true
		}
	}
	if !found {
		return nil
	}
	return titles
}

// Inputs returns the input files of the current run, or of the last one,
// sorted.
func (s *State) Inputs() []string { return slices.Sorted(maps.Keys(s.inputs)) }
