// Package churn recognizes files that change again and again without a user:
// they cancel every build, or the program writes them at each start.
package churn

import (
	"maps"
	"slices"
	"time"
)

// Detector keeps the history of changes, builds and starts that shows such
// files. It knows no clock, file or process.
type Detector struct {
	cancelled int             // builds in a row that a newer change has cancelled
	batches   map[string]int  // changes of each file since the last finished build
	named     map[string]bool // files that were reported as changing faster than builds

	starting bool            // a worker is starting
	until    time.Time       // when the last start is certainly over
	written  map[string]bool // files that changed during the last start
	edited   bool            // a file has changed after it
	rounds   int             // starts in a row that only files written during the start before have caused
	suspects map[string]bool // files that were written in each of them
	writes   map[string]bool // files that the program is known to write

	trial  map[string]time.Time // suspects and their modification times; the next start shows who writes them
	tried  bool                 // that start has begun
	caught map[string]bool      // suspects that changed during one such start; a second one decides
}

const (
	// MaxCancelled builds in a row are cancelled by newer changes. The next
	// one is finished whatever changes.
	MaxCancelled = 3
	// ManyStarts in a row that one file seems to have caused are suspicious. They
	// may still be the edits of a tool that waits until each of them is served.
	ManyStarts = 5
	// StartSlack is the time after a start in which a change may still belong to it.
	StartSlack = 250 * time.Millisecond
)

// NewDetector returns a detector that has seen nothing.
func NewDetector() Detector {
	return Detector{
		batches: map[string]int{}, named: map[string]bool{},
		written: map[string]bool{}, suspects: map[string]bool{}, writes: map[string]bool{}, trial: map[string]time.Time{}, caught: map[string]bool{},
	}
}

// BuildCancelled notes a build that a newer change has cancelled.
func (d *Detector) BuildCancelled() { d.cancelled++ }

// BuildFinished notes a build that came to its end.
func (d *Detector) BuildFinished() {
	d.cancelled = 0
	clear(d.batches)
}

// ChangedDuringBuild notes a batch of changes that came while a build ran.
func (d *Detector) ChangedDuringBuild(paths []string) {
	for _, path := range paths {
		d.batches[path]++
	}
}

// MustFinish reports whether the build that runs must be finished.
func (d *Detector) MustFinish() bool { return d.cancelled >= MaxCancelled }

// Busy returns the files that cancel every build, each of them once.
func (d *Detector) Busy() (files []string) {
	for _, path := range slices.Sorted(maps.Keys(d.batches)) {
		if d.batches[path] > MaxCancelled && !d.named[path] {
			d.named[path] = true
			files = append(files, path)
		}
	}
	return files
}

// Starting notes that a worker is being started.
func (d *Detector) Starting() {
	switch {
	case d.edited || len(d.written) == 0:
		d.rounds = 0
		clear(d.suspects)
	case d.rounds > 0 && d.narrow():
		d.rounds++
	default:
		d.rounds, d.suspects = 1, maps.Clone(d.written)
	}
	clear(d.written)
	d.starting, d.edited = true, false
	d.tried = len(d.trial) > 0
}

// OnTrial returns the files that are on trial, sorted.
func (d *Detector) OnTrial() []string { return slices.Sorted(maps.Keys(d.trial)) }

// WantsTrial reports whether the same program has to be started again, to see whether it
// writes the suspects: an editor that waits for an edit to be served does not write then.
func (d *Detector) WantsTrial() bool { return len(d.trial) > 0 && !d.tried }

// TrialEnded reports whether the start of a trial is over.
func (d *Detector) TrialEnded(now time.Time) bool {
	return d.tried && !d.starting && now.After(d.until)
}

// Judge ends a trial whose start is over. It returns the files that the program
// writes, those that are edited, and those that have to be built for one more
// trial: an edit may have come during the first one. modified looks at the file now.
func (d *Detector) Judge(now time.Time, modified func(path string) time.Time) (own, edited, again []string) {
	if !d.TrialEnded(now) {
		return nil, nil, nil
	}
	for _, path := range d.OnTrial() {
		switch at := modified(path); {
		case at.IsZero() || at.Equal(d.trial[path]):
			edited = append(edited, path)
		case d.caught[path]:
			d.writes[path] = true
			own = append(own, path)
		default:
			d.caught[path], d.trial[path] = true, at
			again = append(again, path)
			continue
		}
		delete(d.trial, path)
		delete(d.caught, path)
	}
	d.tried = false
	if len(edited) > 0 {
		d.rounds = 0
	}
	return own, edited, again
}

// narrow keeps the suspects that were written again, and reports whether
// there are any.
func (d *Detector) narrow() bool {
	maps.DeleteFunc(d.suspects, func(path string, _ bool) bool { return !d.written[path] })
	return len(d.suspects) > 0
}

// Started notes that a start is over.
func (d *Detector) Started(now time.Time) {
	d.starting, d.until = false, now.Add(StartSlack)
}

// Changed takes in a batch of changes and returns those that matter now. Those of
// files that the program writes do not, and those on trial not yet.
func (d *Detector) Changed(paths []string, at time.Time, modified func(path string) time.Time) (matter []string) {
	if !d.starting && at.After(d.until) {
		d.edited = true
		for _, path := range paths {
			delete(d.writes, path) // a user edits it, too
		}
		return paths
	}
	for _, path := range paths {
		d.written[path] = true
		_, onTrial := d.trial[path]
		switch {
		case d.writes[path]:
		case onTrial && d.tried:
		case onTrial: // an edit, since the start has not begun
			d.trial[path] = modified(path)
		case modified(path).IsZero(): // nothing writes a file by removing it
			matter = append(matter, path)
		case d.rounds >= ManyStarts && d.suspects[path]:
			d.trial[path], d.tried = modified(path), false
		default:
			matter = append(matter, path)
		}
	}
	return matter
}
