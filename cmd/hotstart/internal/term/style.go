package term

import "github.com/fatih/color"

// Style colours text, or leaves it as it is.
type Style struct {
	Accent func(text ...any) string // the name of hotstart, and keys
	Error  func(text ...any) string // what the reader should notice
	Good   func(text ...any) string // the end of a failure
	Dim    func(text ...any) string // less visible
}

// NewStyle colours text if colored is true.
func NewStyle(colored bool) Style {
	in := func(a color.Attribute) func(...any) string {
		c := color.New(a)
		if c.DisableColor(); colored {
			c.EnableColor()
		}
		return c.SprintFunc()
	}
	return Style{Accent: in(color.FgCyan), Error: in(color.FgRed), Good: in(color.FgGreen), Dim: in(color.Faint)}
}
