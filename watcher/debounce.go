package watcher

import (
	"maps"
	"slices"
	"time"
)

// debounce collects paths that may have changed, until none was added for the settle time, or until the first one is as
// old as the maximum delay. Paths that are not watched are not added, so they can't delay the end. debounce does not
// read the clock.
type debounce struct {
	settle, maxDelay time.Duration

	paths map[string]bool
	since time.Time // time of the first event
	first time.Time // time when the first path was added; since is earlier if the set was busy
	last  time.Time // time when the last path was added
	held  bool      // wait for the maximum delay, see hold
}

// add adds the path of an event at since.
func (g *debounce) add(now, since time.Time, path string) {
	if len(g.paths) == 0 {
		*g = debounce{settle: g.settle, maxDelay: g.maxDelay, paths: map[string]bool{}, since: since, first: now}
	}
	if since.Before(g.since) {
		g.since = since
	}
	g.paths[path] = true
	g.last, g.held = now, false
}

// due returns when the paths settle; zero if there is no path.
func (g *debounce) due() time.Time {
	settled, latest := g.last.Add(g.settle), g.first.Add(g.maxDelay)
	switch {
	case len(g.paths) == 0:
		return time.Time{}
	case g.held || latest.Before(settled):
		return latest
	}
	return settled
}

// settled reports whether the paths have settled.
func (g *debounce) settled(now time.Time) bool {
	due := g.due()
	return !due.IsZero() && !now.Before(due)
}

// late reports whether the maximum delay is over.
func (g *debounce) late(now time.Time) bool { return !now.Before(g.first.Add(g.maxDelay)) }

// hold delays the end to the maximum delay, or to the settle time after the next event. It is called when a file
// looks half saved.
func (g *debounce) hold() { g.held = true }

// list returns the collected paths, sorted.
func (g *debounce) list() []string { return slices.Sorted(maps.Keys(g.paths)) }

// keep removes the paths for which wanted returns false.
func (g *debounce) keep(wanted func(path string) bool) {
	maps.DeleteFunc(g.paths, func(path string, _ bool) bool { return !wanted(path) })
}
