package term

import (
	"io"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Screen is the output that hotstart and the program share. Each line of hotstart
// begins on a line of its own. A terminal has a status line below the rest. Safe for
// concurrent use.
type Screen struct {
	mu       sync.Mutex
	w        io.Writer
	queue    *lineQueue // that w is; nil if w is written to directly
	terminal bool
	midLine  bool   // the last output of the program does not end with a newline
	status   string // "" if there is none
	shown    bool   // the status line is on the terminal; it is not while midLine
}

// NewScreen returns a screen that writes to w. If w is not a terminal, there is no
// status line, and control sequences are not written.
func NewScreen(w io.Writer, terminal bool) *Screen { return &Screen{w: w, terminal: terminal} }

// IsTerminal reports whether the screen is a terminal.
func (s *Screen) IsTerminal() bool { return s.terminal }

// Redirect makes all later writes go to w.
func (s *Screen) Redirect(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
}

// Columns returns the width of the terminal, at least 40; 120 if it is not known.
func (s *Screen) Columns() int {
	if size, err := windowSize(); s.terminal && err == nil && size.Col > 0 {
		return max(int(size.Col), 40)
	}
	return 120
}

func windowSize() (*unix.Winsize, error) {
	return unix.IoctlGetWinsize(int(os.Stderr.Fd()), unix.TIOCGWINSZ)
}

// Control sequences. Without DECAWM the terminal cuts a status line that is too long
// for a row.
const (
	eraseRow   = "\r\x1b[K"
	noWrap     = "\x1b[?7l"
	wrap       = "\x1b[?7h"
	clearAll   = "\x1b[H\x1b[2J"
	clearSaved = "\x1b[3J"
)

// Write writes whole lines of hotstart.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lead := ""
	if s.midLine {
		lead, s.midLine = "\n", false
	}
	return len(p), s.put(lead, p)
}

// writeProgram writes output of the program unchanged.
func (s *Screen) writeProgram(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.midLine = p[len(p)-1] != '\n'
	s.put("", p)
}

// Enqueue makes all writes go through a queue until Close, so that a terminal or a pipe
// that is not read blocks the program alone. dropped returns the line that replaces n
// lines for which the queue had no room.
func (s *Screen) Enqueue(dropped func(n int) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	notice := dropped
	if s.terminal {
		notice = func(n int) string { return eraseRow + dropped(n) } // replaces the status line
	}
	s.queue = newLineQueue(unbuffered(s.w), notice)
	s.w = s.queue
}

// Close writes what is in the queue, as far as it is read within a second. Later writes
// are ignored.
func (s *Screen) Close() { s.queue.close(closeTimeout) }

// await blocks while the queue is rather full. The program is made to wait by that.
func (s *Screen) await() {
	if s.queue != nil {
		s.queue.await()
	}
}

// Flush waits, for a second at most, until everything is written, so that others can
// write to the same file.
func (s *Screen) Flush() {
	if s.queue != nil {
		s.queue.flush(closeTimeout)
	}
}

// put writes p in the place of the status line, and the status line again below it.
func (s *Screen) put(lead string, p []byte) error {
	row := ""
	if s.shown {
		lead = eraseRow + lead
	}
	if s.shown = s.status != "" && !s.midLine; s.shown {
		row = noWrap + s.status + wrap
	}
	_, err := s.w.Write(slices.Concat([]byte(lead), p, []byte(row)))
	return err
}

// SetStatus changes the status line, and returns the previous one; "" removes it.
func (s *Screen) SetStatus(status string) (before string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.status
	if !s.terminal || status == before {
		return before
	}
	s.status = status
	s.put("", nil)
	return before
}

// Control writes a control sequence to the terminal, if there is one.
func (s *Screen) Control(sequence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal {
		io.WriteString(s.w, sequence)
	}
}

// Clear clears the terminal, with its scrollback if all is set.
func (s *Screen) Clear(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.terminal {
		return
	}
	s.midLine, s.shown = false, false
	sequence := clearAll
	if all {
		sequence += clearSaved
	}
	s.put(sequence, nil)
}
