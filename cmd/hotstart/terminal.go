package main

import "os"

// terminal is the one that hotstart was started on, if any. SIGHUP comes
// from a person who asks for a reload, and also from the kernel when the
// terminal is closed.
type terminal struct{ had bool }

func newTerminal() terminal { return terminal{had: hasTerminal()} }

// gone reports whether the terminal was closed.
func (t terminal) gone() bool { return t.had && !hasTerminal() }

// hasTerminal reports whether this process has a controlling terminal:
// opening /dev/tty fails without one (tty(4)).
func hasTerminal() bool {
	f, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	f.Close()
	return true
}
