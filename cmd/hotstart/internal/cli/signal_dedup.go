package cli

import (
	"os"
	"syscall"
	"time"
)

// DuplicateWithin is the time in which a second SIGTERM or SIGINT counts as a
// duplicate of the first: timeout(1) signals its child and then its process
// group, and Ctrl-C comes from the terminal and from a parent that forwards it.
// An impatient user needs more time.
const DuplicateWithin = 100 * time.Millisecond

// A SignalFilter finds duplicates of SIGTERM and SIGINT.
type SignalFilter struct{ last time.Time } // last signal that was not a duplicate

// Duplicate reports whether a signal that arrives now duplicates an earlier one.
func (f *SignalFilter) Duplicate(sig os.Signal, now time.Time) bool {
	switch {
	case sig != syscall.SIGTERM && sig != syscall.SIGINT:
		return false
	case !f.last.IsZero() && now.Sub(f.last) < DuplicateWithin:
		return true
	}
	f.last = now
	return false
}
