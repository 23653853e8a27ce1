package term

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// screen is what hotstart and the program write to, in turn, so that each
// line of hotstart's is a line of its own. On a terminal there may be a
// status below all that was written. Safe for concurrent use.
type Screen struct {
	mu             sync.Mutex
	w              io.Writer
	queue          *lineQueue // w is its; nil: w is written to directly
	ControllingTTY bool
	torn           bool   // what the program wrote last does not end its line
	status         string // "": none
	hidden         bool   // the status is not to be seen for now
}

// newScreen writes to w. If that is not a terminal, there is no status.
func NewScreen(w io.Writer, terminal bool) *Screen { return &Screen{w: w, ControllingTTY: terminal} }

// isTerminal reports whether the screen is a terminal.
func (s *Screen) IsTerminal() bool { return s.ControllingTTY }

// redirect makes all later writes go to w.
func (s *Screen) Redirect(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = w
}

// columns is the width of the terminal, at least 40; 120 if there is no terminal.
func (s *Screen) Columns() int {
	if !s.ControllingTTY {
		return 120
	}
	size, err := unix.IoctlGetWinsize(int(os.Stderr.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col == 0 {
		return 120
	}
	return max(int(size.Col), 40)
}

// What a terminal is told. The status is one row, however long it is:
// without DECAWM the terminal cuts it.
const (
	eraseRow   = "\r\x1b[K"
	noWrap     = "\x1b[?7l"
	wrap       = "\x1b[?7h"
	clearAll   = "\x1b[H\x1b[2J"
	clearSaved = "\x1b[3J"
)

// Write is for hotstart: whole lines.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lead := ""
	if s.torn {
		lead, s.torn = "\n", false
	}
	return len(p), s.put(lead, p)
}

// pass is for the program: bytes as they come.
func (s *Screen) pass(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	erased := s.torn // no status is shown on a line that is not complete
	s.torn = p[len(p)-1] != '\n'
	if s.status == "" || erased && s.torn {
		s.w.Write(p)
		return
	}
	if erased { // the line goes on where it was
		s.w.Write(append(p[:len(p):len(p)], s.row()...))
		return
	}
	s.put("", p)
}

// enqueue makes all writes go through a queue, so that a terminal or a pipe that
// is not read holds nobody up but the program. notice returns a line about dropped
// lines.
func (s *Screen) Enqueue(notice func(dropped int) string) *lineQueue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ControllingTTY {
		line := notice
		notice = func(n int) string { return eraseRow + line(n) } // in the place of the status
	}
	s.queue = newLineQueue(unbuffered(s.w), notice)
	s.w = s.queue
	return s.queue
}

// await blocks while what was written has not been read. Called before pass,
// where the program can wait.
func (s *Screen) await() {
	if s.queue != nil {
		s.queue.await()
	}
}

// flush waits, but not for long, until others can write to the same file.
func (s *Screen) Flush() {
	if s.queue != nil {
		s.queue.flush(CloseTimeout)
	}
}

// put writes p in the place of the status, and that again below it.
func (s *Screen) put(lead string, p []byte) error {
	var all []byte
	if s.status != "" && lead == "" {
		all = append(all, eraseRow...)
	}
	all = append(append(all, lead...), p...)
	if !s.torn {
		all = append(all, s.row()...)
	}
	_, err := s.w.Write(all)
	return err
}

func (s *Screen) row() string {
	if s.status == "" || s.hidden {
		return ""
	}
	return noWrap + s.status + wrap
}

// stay shows a status from now on, or none. It does nothing where there is
// no terminal.
func (s *Screen) SetStatus(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ControllingTTY || status == s.status {
		return
	}
	shown := s.status != "" && !s.torn
	s.status = status
	switch {
	case shown:
		io.WriteString(s.w, eraseRow+s.row())
	case !s.torn:
		io.WriteString(s.w, s.row())
	}
}

// hide takes the status away until show, as for a shell's prompt.
func (s *Screen) HideStatus() { s.veil(true) }
func (s *Screen) ShowStatus() { s.veil(false) }

func (s *Screen) veil(hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if hidden == s.hidden {
		return
	}
	s.hidden = hidden
	if s.status != "" && !s.torn {
		io.WriteString(s.w, eraseRow+s.row())
	}
}

// control tells the terminal something, if there is one.
func (s *Screen) Control(sequence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ControllingTTY {
		io.WriteString(s.w, sequence)
	}
}

// clear empties the screen, and what has left it by its top if all is set.
func (s *Screen) Clear(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ControllingTTY {
		return
	}
	s.torn = false
	sequence := clearAll
	if all {
		sequence += clearSaved
	}
	io.WriteString(s.w, sequence+s.row())
}
