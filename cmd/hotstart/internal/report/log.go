package report

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// Log writes events to a screen, each at once: as text for people, or as JSON, one
// object per line.
type Log struct {
	View
	screen *term.Screen
	style  term.Style
	links  bool // file names can be clicked
	plain  bool // an editor or a script may read the text
}

// NewTextLog writes text, in colour and with links (OSC 8) if they are asked for. On a
// screen that is not a terminal the text is plain: a line begins and another one ends
// each reload, and diagnostics have the form of the go tool, so that the problem
// matchers of editors find them.
func NewTextLog(s *term.Screen, colored, links bool) *Log {
	return &Log{screen: s, style: term.NewStyle(colored), links: links, plain: !s.IsTerminal()}
}

// NewJSONLog writes JSON.
func NewJSONLog(s *term.Screen) *Log {
	return &Log{View: View{JSON: true}, screen: s, style: term.NewStyle(false)}
}

// Handle implements Sink. Notes and warnings may come from any goroutine.
func (l *Log) Handle(e Event) {
	if line := l.format(e.entry(l.View)); line != "" {
		io.WriteString(l.screen, line)
	}
}

// Dropped is the line in the place of n lines that were not read in time.
func (l *Log) Dropped(n int) string {
	return l.format(Warning{fmt.Sprintf("%s dropped here, because the output was not read", count(n, "line"))}.entry(View{}))
}

// format returns an event as the log writes it; "" if it does not.
func (l *Log) format(e entry) string {
	e.text = term.Clean(e.text)
	switch {
	case e.name == "":
		return ""
	case l.JSON && (e.only == "" || e.only == onlyJSON):
		return e.object(time.Now()) + "\n"
	case !l.JSON && (e.only == "" || e.only == onlyText || e.only == onlyPlain && l.plain):
		return l.text(e)
	}
	return ""
}

func (l *Log) text(e entry) string {
	var b strings.Builder
	text := indent(e.text, "  ")
	if e.isError {
		text = l.style.Error(text)
	}
	if e.fixed {
		text = l.style.Good("fixed") + ": " + text
	}
	if e.hint != "" {
		text += l.style.Dim(e.hint)
	}
	fmt.Fprintf(&b, "%s %s\n", l.style.Accent("hotstart:"), text)
	l.problems(&b, e.problems)
	if len(e.problems) == 0 {
		for _, line := range e.output {
			fmt.Fprintf(&b, "  %s %s\n", l.style.Dim("|"), line)
		}
	}
	for _, note := range e.notes {
		fmt.Fprintf(&b, "  %s\n", indent(term.Clean(term.Plain(note)), "  "))
	}
	for _, k := range e.keys {
		fmt.Fprintf(&b, "  %s  %s\n", l.style.Accent(k.Key), k.Does)
	}
	return b.String()
}

// indent indents all lines but the first one: a line that begins with "hotstart:" is
// an event.
func indent(text, by string) string { return strings.ReplaceAll(text, "\n", "\n"+by) }

// maxProblems is how many errors a person reads before fixing the first one.
const maxProblems = 8

// problems shows errors in the code, each with its line of source.
func (l *Log) problems(b *strings.Builder, all []builder.Diagnostic) {
	for _, d := range all[:min(len(all), maxProblems)] {
		message := indent(term.Clean(d.Message), "    ")
		if d.File == "" {
			fmt.Fprintf(b, "  %s\n", message)
			continue
		}
		if !l.plain {
			b.WriteString("  ")
		}
		fmt.Fprintf(b, "%s: %s\n", l.link(d), message)
		l.frame(b, d)
	}
	if more := len(all) - maxProblems; more > 0 {
		fmt.Fprintf(b, "  and %s more\n", count(more, "error"))
	}
}

// frame shows the line of source of an error, with a caret below it.
func (l *Log) frame(b *strings.Builder, d builder.Diagnostic) {
	text, ok := term.SourceLine(d.File, d.Line)
	if !ok || strings.TrimSpace(text) == "" {
		return
	}
	margin := fmt.Sprintf("%8d", d.Line)
	source, caret := term.Frame(text, d.Column, l.screen.Columns()-len(margin)-6)
	fmt.Fprintf(b, "%s %s\n", l.style.Dim(margin+" |"), source)
	if caret != "" {
		fmt.Fprintf(b, "%s %s\n", l.style.Dim(strings.Repeat(" ", len(margin))+" |"), l.style.Error(caret))
	}
}

// link is the position of an error, as a link to the file where links work.
func (l *Log) link(d builder.Diagnostic) string {
	if l.plain { // without a column, a diagnostic looks like a line of package log
		d.Line, d.Column = max(d.Line, 1), max(d.Column, 1)
	}
	text := l.style.Error(term.CleanLine(l.position(d)))
	if !l.links {
		return text
	}
	host, _ := os.Hostname()
	target := url.URL{Scheme: "file", Host: host, Path: d.File}
	return "\x1b]8;;" + target.String() + "\x1b\\" + text + "\x1b]8;;\x1b\\"
}

func (v View) position(d builder.Diagnostic) string {
	text := v.name(d.File)
	for _, n := range []int{d.Line, d.Column} {
		if n == 0 {
			break
		}
		text += fmt.Sprintf(":%d", n)
	}
	return text
}
