package machine

import (
	"maps"
	"slices"
	"time"
)

// churn recognizes files that change again and again without a user: while
// they keep every build from its end, or because the program writes them at
// each start. It knows no clock or process.
type churn struct {
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

	trial map[string]time.Time // suspects and their modification times; a start of the same program shows who writes them
	tried bool                 // that start has begun
}

const (
	// maxCancelled builds in a row are cancelled by newer changes. The next
	// one is finished whatever changes.
	maxCancelled = 3
	// manyRounds in a row are suspicious. They may still be the edits of a tool that
	// waits until each of them is served.
	manyRounds = 5
	// startSlack is how long after a start a change may still be of it.
	startSlack = 250 * time.Millisecond
)

func newChurn() churn {
	return churn{
		batches: map[string]int{}, named: map[string]bool{},
		written: map[string]bool{}, suspects: map[string]bool{}, writes: map[string]bool{}, trial: map[string]time.Time{},
	}
}

// cancels notes a build that a newer change has cancelled.
func (c *churn) cancels() { c.cancelled++ }

// finishes notes a build that came to its end.
func (c *churn) finishes() {
	c.cancelled = 0
	clear(c.batches)
}

// changesDuringBuild notes a batch of changes that came while a build ran.
func (c *churn) changesDuringBuild(paths []string) {
	for _, path := range paths {
		c.batches[path]++
	}
}

// holds reports whether the build that runs must be finished.
func (c *churn) holds() bool { return c.cancelled >= maxCancelled }

// busy returns, each once, the files that keep builds from their end.
func (c *churn) busy() (files []string) {
	for _, path := range slices.Sorted(maps.Keys(c.batches)) {
		if c.batches[path] > maxCancelled && !c.named[path] {
			c.named[path] = true
			files = append(files, path)
		}
	}
	return files
}

// starts notes that a worker is being started.
func (c *churn) starts() {
	switch {
	case c.edited || len(c.written) == 0:
		c.rounds = 0
		clear(c.suspects)
	case c.rounds > 0 && c.narrow():
		c.rounds++
	default:
		c.rounds, c.suspects = 1, maps.Clone(c.written)
	}
	clear(c.written)
	c.starting, c.edited = true, false
	c.tried = len(c.trial) > 0
}

// wantsTrial reports whether the same program has to be started again, to see whether it
// writes the suspects: an editor that waits for an edit to be served does not write then.
func (c *churn) wantsTrial() bool { return len(c.trial) > 0 && !c.tried }

// trialEnded reports whether the start of a trial is over.
func (c *churn) trialEnded(now time.Time) bool {
	return c.tried && !c.starting && now.After(c.until)
}

// judge ends a trial whose start is over. It returns the files that the program has
// written again, and those that are edited. modified looks at the file now.
func (c *churn) judge(now time.Time, modified func(path string) time.Time) (own, edited []string) {
	if !c.trialEnded(now) {
		return nil, nil
	}
	for _, path := range slices.Sorted(maps.Keys(c.trial)) {
		if at := modified(path); at.IsZero() || at.Equal(c.trial[path]) {
			edited = append(edited, path)
		} else {
			c.writes[path] = true
			own = append(own, path)
		}
	}
	clear(c.trial)
	c.tried = false
	if len(edited) > 0 {
		c.rounds = 0
	}
	return own, edited
}

// narrow keeps the suspects that were written again, and reports whether
// there are any.
func (c *churn) narrow() bool {
	maps.DeleteFunc(c.suspects, func(path string, _ bool) bool { return !c.written[path] })
	return len(c.suspects) > 0
}

// settles notes that a start is over.
func (c *churn) settles(now time.Time) {
	c.starting, c.until = false, now.Add(startSlack)
}

// changes takes in a batch of changes and returns those that matter now. Those of
// files that the program writes do not, and those on trial not yet.
func (c *churn) changes(paths []string, at time.Time, modified func(path string) time.Time) (matter []string) {
	if !c.starting && at.After(c.until) {
		c.edited = true
		for _, path := range paths {
			delete(c.writes, path) // a user edits it, too
		}
		return paths
	}
	for _, path := range paths {
		c.written[path] = true
		_, onTrial := c.trial[path]
		switch {
		case c.writes[path]:
		case onTrial && c.tried:
		case onTrial: // an edit, since the start has not begun
			c.trial[path] = modified(path)
		case modified(path).IsZero(): // nothing writes a file by removing it
			matter = append(matter, path)
		case c.rounds >= manyRounds && c.suspects[path]:
			c.trial[path], c.tried = modified(path), false
		default:
			matter = append(matter, path)
		}
	}
	return matter
}
