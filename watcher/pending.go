package watcher

import (
	"maps"
	"slices"
	"time"
)

// pending holds the changes that were not yet delivered.
type pending struct {
	before map[string]content // last delivered content of each file that differs from it now
	since  time.Time          // time of the first event of these changes
}

// add records that the content of a file changed from was to is, by an event at since. If is was the last delivered
// content, the file is not pending any more.
func (u *pending) add(path string, was, is content, since time.Time) {
	if len(u.before) == 0 || since.Before(u.since) {
		u.since = since
	}
	before, ok := u.before[path]
	switch {
	case !ok:
		u.before[path] = was
	case before == is:
		delete(u.before, path)
	}
}

func (u *pending) batch() Batch {
	return Batch{Paths: slices.Sorted(maps.Keys(u.before)), Since: u.since}
}

// sent records that the batch was delivered.
func (u *pending) sent(b Batch) {
	for _, path := range b.Paths {
		delete(u.before, path)
	}
}

// keep removes the files for which wanted returns false.
func (u *pending) keep(wanted func(path string) bool) {
	maps.DeleteFunc(u.before, func(path string, _ content) bool { return !wanted(path) })
}
