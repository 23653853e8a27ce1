package term

import "github.com/fatih/color"

// Style colours text, or leaves it as it is.
type Style struct{ cyan, red, green, faint *color.Color }

// NewStyle colours text if colored is true.
func NewStyle(colored bool) Style {
	s := Style{color.New(color.FgCyan), color.New(color.FgRed), color.New(color.FgGreen), color.New(color.Faint)}
	for _, c := range []*color.Color{s.cyan, s.red, s.green, s.faint} {
		if colored {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return s
}

// Accent colours the name of hotstart, and keys.
func (s Style) Accent(text string) string { return s.cyan.Sprint(text) }

// Error colours what the reader should notice.
func (s Style) Error(text string) string { return s.red.Sprint(text) }

// Good colours the end of a failure.
func (s Style) Good(text string) string { return s.green.Sprint(text) }

// Dim makes text less visible.
func (s Style) Dim(text string) string { return s.faint.Sprint(text) }
