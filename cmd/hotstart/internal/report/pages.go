package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// Pages tells open pages what is wrong, and when to load again.
type Pages struct {
	Server *browser.Server // of the script in the program's own pages; nil: there is none
	Dir    string          // file names are shown relative to it

	swapped bool // pages were not reloaded for the worker that serves, because only style sheets had changed
}

// Handle implements Sink.
func (p *Pages) Handle(e Event) {
	if p.Server == nil {
		return
	}
	if IsFix(e) {
		p.Server.Show(nil)
	}
	if headline, _ := Failure(e); headline != "" {
		p.Server.Show(p.Failure(e))
	}
	switch e := e.(type) {
	case Serving:
		if p.swapped = len(e.Styles) > 0; p.swapped {
			p.Server.Restyle(e.Styles, e.Stale)
		} else {
			p.Server.Reload(e.Stale)
		}
	case Unchanged:
		// The build may have read an edit that was known only later.
		if p.swapped && !onlyStyles(e.Cause.Changed) {
			p.Server.Reload(time.Now())
		}
	case Refreshed:
		if files := e.Cause.Changed; onlyStyles(files) {
			p.Server.Restyle(files, time.Now())
		} else {
			p.Server.Reload(time.Now())
		}
	}
}

// onlyStyles reports whether all files are style sheets, which pages can load
// again by themselves.
func onlyStyles(files []string) bool {
	return !slices.ContainsFunc(files, func(f string) bool { return filepath.Ext(f) != ".css" })
}

// Failure is a failure as a browser shows it, with the source around each error.
func (p *Pages) Failure(f Event) *browser.Failure {
	v := View{Dir: p.Dir}
	e := f.entry(v)
	shown := &browser.Failure{Title: e.headline, Current: e.current, At: time.Now().UnixMilli(), Output: strings.Join(e.facts.Output, "\n")}
	if e.Reason != "" {
		shown.Title += ": " + e.Reason
	}
	for _, problem := range e.Errors[:min(len(e.Errors), maxProblems)] {
		d := builder.Diagnostic{File: problem.File, Line: problem.Line, Column: problem.Column}
		p := browser.Problem{Message: problem.Message, Frame: excerpt(d)}
		if d.File != "" {
			p.Place = v.position(d)
		}
		shown.Problems = append(shown.Problems, p)
	}
	return shown
}

// excerpt is the line of an error with the lines around it, and a caret.
func excerpt(d builder.Diagnostic) string {
	const around, columns = 2, 160
	var b strings.Builder
	for n := max(d.Line-around, 1); n <= d.Line+around && d.Line > 0; n++ {
		text, ok := term.SourceLine(d.File, n)
		if !ok {
			break
		}
		mark, column := "  ", 0
		if n == d.Line {
			mark, column = "> ", d.Column
		}
		source, caret := term.Frame(text, column, columns)
		fmt.Fprintf(&b, "%s%5d | %s\n", mark, n, source)
		if caret != "" {
			fmt.Fprintf(&b, "        | %s\n", caret)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
