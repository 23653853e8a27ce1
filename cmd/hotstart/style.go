package main

import "github.com/fatih/color"

// style colours text, or not.
type style struct{ cyan, red, green, faint *color.Color }

// newStyle colours text if colored is true.
func newStyle(colored bool) style {
	s := style{color.New(color.FgCyan), color.New(color.FgRed), color.New(color.FgGreen), color.New(color.Faint)}
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
func (s style) accent(text string) string { return s.cyan.Sprint(text) }

// error colours what the user should notice.
func (s style) error(text string) string { return s.red.Sprint(text) }

// good colours the end of a failure.
func (s style) good(text string) string { return s.green.Sprint(text) }

// dim makes text less visible.
func (s style) dim(text string) string { return s.faint.Sprint(text) }
