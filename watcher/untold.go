package watcher

import (
	"maps"
	"slices"
	"time"
)

// untold is what the receiver of batches is yet to be told.
type untold struct {
	was   map[string]content // files that differ from what he was told last, and what that was
	since time.Time          // when the first event behind them came
}

// add notes that a file was this and is that, by an event at since. What has become again as it was told is nothing to
// tell.
func (u *untold) add(path string, was, is content, since time.Time) {
	if len(u.was) == 0 || since.Before(u.since) {
		u.since = since
	}
	told, ok := u.was[path]
	switch {
	case !ok:
		u.was[path] = was
	case told == is:
		delete(u.was, path)
	}
}

func (u *untold) batch() Batch {
	return Batch{Paths: slices.Sorted(maps.Keys(u.was)), Since: u.since}
}

// sent notes that the receiver was told.
func (u *untold) sent(b Batch) {
	for _, path := range b.Paths {
		delete(u.was, path)
	}
}

// keep forgets the files that wanted does not report.
func (u *untold) keep(wanted func(path string) bool) {
	maps.DeleteFunc(u.was, func(path string, _ content) bool { return !wanted(path) })
}
