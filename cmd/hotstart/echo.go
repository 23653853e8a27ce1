package main

import (
	"os"
	"syscall"
	"time"
)

// echo is how soon after a signal to end the same wish may come once more, by
// another way: timeout(1) signals what it runs and then its process group,
// and Ctrl-C comes from the terminal and from a parent that passes it on. A
// person who can't wait any longer takes more time.
const echo = 100 * time.Millisecond

// echoes finds signals that are no wish of their own.
type echoes struct{ last time.Time } // that was none

// is reports whether a signal only repeats an earlier one.
func (e *echoes) is(sig os.Signal, now time.Time) bool {
	switch {
	case sig != syscall.SIGTERM && sig != syscall.SIGINT:
		return false
	case !e.last.IsZero() && now.Sub(e.last) < echo:
		return true
	}
	e.last = now
	return false
}
