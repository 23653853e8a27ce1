package watcher

import (
	"maps"
	"slices"
	"time"
)

// gather collects paths that may have changed until they settle: until none came for the quiet time, or the first is
// as old as the longest time. Paths that don't matter never get here, so they can't put the end off. It knows no clock.
type gather struct {
	quiet, longest time.Duration

	paths map[string]bool
	since time.Time // when the first event came
	first time.Time // when the first path was added; since is earlier if the set was busy
	last  time.Time // when the latest was
	held  bool      // being quiet is not enough, see hold
}

// add takes in a path that an event at since was about.
func (g *gather) add(now, since time.Time, path string) {
	if len(g.paths) == 0 {
		*g = gather{quiet: g.quiet, longest: g.longest, paths: map[string]bool{}, since: since, first: now}
	}
	if since.Before(g.since) {
		g.since = since
	}
	g.paths[path] = true
	g.last, g.held = now, false
}

// due returns when to settle: zero for never.
func (g *gather) due() time.Time {
	quiet, latest := g.last.Add(g.quiet), g.first.Add(g.longest)
	switch {
	case len(g.paths) == 0:
		return time.Time{}
	case g.held || latest.Before(quiet):
		return latest
	}
	return quiet
}

// settled reports whether it is time to look at the paths.
func (g *gather) settled(now time.Time) bool {
	due := g.due()
	return !due.IsZero() && !now.Before(due)
}

// late reports whether the paths can't wait any longer.
func (g *gather) late(now time.Time) bool { return !now.Before(g.first.Add(g.longest)) }

// hold waits, since the paths look like half of a change, for the next event or the longest time.
func (g *gather) hold() { g.held = true }

// list returns what was gathered, sorted.
func (g *gather) list() []string { return slices.Sorted(maps.Keys(g.paths)) }

// clear forgets what was gathered.
func (g *gather) clear() { clear(g.paths) }

// keep forgets the paths that wanted does not report.
func (g *gather) keep(wanted func(path string) bool) {
	maps.DeleteFunc(g.paths, func(path string, _ bool) bool { return !wanted(path) })
}
