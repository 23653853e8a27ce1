package report

import (
	"fmt"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// StatusLine shows in the last row of the terminal what has failed until it is
// fixed, so that nobody takes older code for newer code once the failure has
// scrolled away. Meanwhile it shows a build or a rule that takes long.
type StatusLine struct{ log *Log }

// NewStatusLine shows the status line on the screen of a log.
func NewStatusLine(l *Log) StatusLine { return StatusLine{l} }

// Handle implements Sink.
func (s StatusLine) Handle(e Event) {
	switch e := e.(type) {
	case StatusChanged:
		s.show(s.log.style.Error, e.text())
	case Progress:
		s.show(s.log.style.Dim, e.text())
	case RuleRunning:
		s.show(s.log.style.Dim, e.Rule+" is running")
	}
}

func (s StatusLine) show(color func(...any) string, text string) {
	if text != "" {
		text = color(term.CleanLine(text))
	}
	s.log.screen.SetStatus(text)
}

func (s StatusChanged) text() string {
	if s.Status.Failing == "" {
		return ""
	}
	return fmt.Sprintf("✗ %s at %s; %s", s.Status.Failing, clock(s.Status.Since), s.Current)
}

func (p Progress) text() string {
	if p.Begun == p.Packages {
		return fmt.Sprintf("building: the last of %s, and linking", count(p.Packages, "package"))
	}
	return fmt.Sprintf("building: %d of %s", p.Begun, count(p.Packages, "package"))
}
