package report

import "github.com/hotstart/hotstart/builder"

// Details are the facts of a failure.
type Details struct {
	Message  string // one line
	Problems []builder.Diagnostic
	Command  string   // of a rule
	Output   []string // last lines of the worker or the command
}

// DetailsOf returns the facts of a failure. File names in the message are relative to the
// folder of the view, those of the problems are absolute.
func DetailsOf(f Event, v View) Details {
	v.JSON = false // the message names the rules that have run
	e := f.entry(v)
	d := Details{Message: e.message(), Problems: e.problems, Command: e.Command, Output: e.facts.Output}
	if len(d.Problems) == 0 {
		for _, p := range e.Errors {
			d.Problems = append(d.Problems, builder.Diagnostic{File: p.File, Line: p.Line, Column: p.Column, Message: p.Message})
		}
	}
	return d
}
