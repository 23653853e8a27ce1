package term

import "github.com/fatih/color"

// style colours text, or not.
type Style struct{ cyan, red, green, faint *color.Color }

// newStyle colours text if colored is true.
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

// accent colours the name of hotstart, and keys.
func (s Style) Accent(text string) string { return s.cyan.Sprint(text) }

// error colours what the user should notice.
func (s Style) Error(text string) string { return s.red.Sprint(text) }

// good colours the end of a failure.
func (s Style) Good(text string) string { return s.green.Sprint(text) }

// dim makes text less visible.
func (s Style) Dim(text string) string { return s.faint.Sprint(text) }
