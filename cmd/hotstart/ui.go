package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// ui writes what the user sees: one line an event, to stderr. It is the one
// place that knows colours.
type ui struct {
	*term.Screen
	machine bool // events are objects, not lines
	links   bool // names of files can be clicked on
	term.Style
	dir string // file names are shown relative to it
}

// newUI writes as the flags of a command say. Colour is always, never, or
// auto, which is on a terminal unless NO_COLOR is set.
func newUI(w io.Writer, cmd *cobra.Command) *ui {
	terminal := term.IsTerminal(w) && os.Getenv("TERM") != "dumb"
	when := colorOf(cmd)
	colored := when == "always" || when == "auto" && terminal && os.Getenv("NO_COLOR") == ""
	json := formatOf(cmd) == formatJSON
	if json {
		terminal, colored = false, false
	}
	u := &ui{Screen: term.NewScreen(w, terminal), machine: json, links: colored && terminal}
	u.dir, _ = os.Getwd()
	u.Style = term.NewStyle(colored)
	return u
}

// colorOf reads the flag that every command has.
func colorOf(cmd *cobra.Command) string {
	return textOf(cmd.Root().PersistentFlags(), "color")
}

// What --log-format takes, where a command has it.
const (
	formatText = "text"
	formatJSON = "json"
)

func formatOf(cmd *cobra.Command) string {
	return textOf(cmd.Flags(), "log-format")
}

// tell writes an event, all at once.
func (u *ui) tell(e event) {
	e.text = term.Clean(e.text)
	if u.machine {
		io.WriteString(u, e.object(time.Now()))
		return
	}
	io.WriteString(u, e.line(u))
}

// say prints one line.
func (u *ui) say(format string, args ...any) {
	u.tell(event{name: "note", text: fmt.Sprintf(format, args...)})
}

// warn prints one line that should be seen.
func (u *ui) warn(format string, args ...any) {
	u.tell(event{name: "warning", bad: true, text: fmt.Sprintf(format, args...)})
}

// dropped is the line about lines that were not read in time.
func (u *ui) dropped(n int) string {
	e := event{name: "warning", bad: true, text: fmt.Sprintf("%s dropped here, because the output was not read", count(n, "line"))}
	if u.machine {
		return e.object(time.Now())
	}
	return e.line(u)
}

// failed prints why hotstart ends, and what to type next.
func (u *ui) failed(err error) {
	e := event{name: "failed", bad: true, text: err.Error()}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		e.Hint = hinted.Hint()
		for line := range strings.Lines(e.Hint) {
			e.more += "  " + term.CleanLine(strings.TrimSpace(line)) + "\n"
		}
	}
	u.tell(e)
}

// manyErrors is how many a person reads before mending the first.
const manyErrors = 8

// diagnostics show what is wrong with the code, as the compiler says it, each
// with its line of source.
func (u *ui) diagnostics(all []builder.Diagnostic) string {
	var b strings.Builder
	for _, d := range all[:min(len(all), manyErrors)] {
		message := strings.ReplaceAll(term.Clean(d.Message), "\n", "\n    ")
		if d.File == "" {
			fmt.Fprintf(&b, "  %s\n", message)
			continue
		}
		fmt.Fprintf(&b, "  %s: %s\n", u.place(d.File, d.Line, d.Column), message)
		b.WriteString(u.frame(d.File, d.Line, d.Column))
	}
	if more := len(all) - manyErrors; more > 0 {
		fmt.Fprintf(&b, "  and %s more\n", count(more, "error"))
	}
	return b.String()
}

// words show why a worker has ended: where it panicked, or else what it said
// last. All of it was seen before, between what others said.
func (u *ui) words(w term.ExitReport) string {
	var b strings.Builder
	switch {
	case w.File != "":
		fmt.Fprintf(&b, "  %s: %s\n%s", u.place(w.File, w.Line), w.Panic, u.frame(w.File, w.Line, 0))
	case w.Panic != "":
		fmt.Fprintf(&b, "  %s\n", w.Panic)
	default:
		for _, line := range w.Lines {
			fmt.Fprintf(&b, "  %s %s\n", u.Dim("|"), line)
		}
	}
	return b.String()
}

// frame is a line of source with a caret, or nothing if it can't be had.
func (u *ui) frame(file string, line, column int) string {
	text, ok := term.SourceLine(file, line)
	if !ok || strings.TrimSpace(text) == "" {
		return ""
	}
	margin := fmt.Sprintf("%8d", line)
	source, caret := term.Frame(text, column, u.Columns()-len(margin)-6)
	shown := u.Dim(margin+" |") + " " + source + "\n"
	if caret != "" {
		shown += u.Dim(strings.Repeat(" ", len(margin))+" |") + " " + u.Error(caret) + "\n"
	}
	return shown
}

// place is file:line:column, as far as they are known, as a terminal opens
// it: by name, or where it knows links, by a click.
func (u *ui) place(file string, numbers ...int) string {
	place := u.name(file)
	for _, n := range numbers {
		if n == 0 {
			break
		}
		place += fmt.Sprintf(":%d", n)
	}
	place = u.Error(place)
	if u.links {
		return link(file, place)
	}
	return place
}

// link makes text of a terminal a link to a file (OSC 8).
func link(file, text string) string {
	host, _ := os.Hostname()
	target := url.URL{Scheme: "file", Host: host, Path: file}
	return "\x1b]8;;" + target.String() + "\x1b\\" + text + "\x1b]8;;\x1b\\"
}

// name is the shortest name of a file that a terminal in this folder opens.
func (u *ui) name(file string) string {
	relative, err := filepath.Rel(u.dir, file)
	if err != nil || len(relative) > len(file) {
		relative = file
	}
	return term.CleanLine(relative)
}

// names tells of several files in a few words.
func (u *ui) names(files []string) string {
	switch len(files) {
	case 0:
		return "nothing"
	case 1:
		return u.name(files[0])
	case 2:
		return u.name(files[0]) + " and " + u.name(files[1])
	}
	return fmt.Sprintf("%s and %d more", u.name(files[0]), len(files)-1)
}

// took rounds a duration to what a person reads.
func took(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// clock is the time of day.
func clock(t time.Time) string { return t.Format("15:04:05") }
