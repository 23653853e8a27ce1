package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/hotstart/hotstart/builder"
)

// ui writes what the user sees: one line an event, to stderr. It is the one
// place that knows colours.
type ui struct {
	w      io.Writer
	prefix *color.Color
	bad    *color.Color
	dir    string // file names are shown relative to it
}

// newUI colours as when says: always, never, or auto, which is on a terminal
// unless NO_COLOR is set.
func newUI(w io.Writer, when string) *ui {
	u := &ui{w: w, prefix: color.New(color.FgCyan), bad: color.New(color.FgRed)}
	u.dir, _ = os.Getwd()
	for _, c := range []*color.Color{u.prefix, u.bad} {
		if when == "always" || when == "auto" && wantsColor(w) {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	return u
}

func wantsColor(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// colorOf reads the flag that every command has.
func colorOf(cmd *cobra.Command) string {
	when, _ := cmd.Root().PersistentFlags().GetString("color")
	return when
}

// say prints one line.
func (u *ui) say(format string, args ...any) {
	fmt.Fprintf(u.w, "%s %s\n", u.prefix.Sprint("hotstart:"), fmt.Sprintf(format, args...))
}

// warn prints one line that should be seen.
func (u *ui) warn(format string, args ...any) {
	u.say("%s", u.bad.Sprintf(format, args...))
}

// failed prints why hotstart ends, and what to type next.
func (u *ui) failed(err error) {
	u.warn("%v", err)
	var hinted interface{ Hint() string }
	if !errors.As(err, &hinted) {
		return
	}
	for line := range strings.Lines(hinted.Hint()) {
		fmt.Fprintf(u.w, "  %s\n", strings.TrimSpace(line))
	}
}

// diagnostics prints what is wrong with the code, as the compiler says it.
func (u *ui) diagnostics(err *builder.BuildError) {
	if len(err.Diagnostics) == 0 {
		fmt.Fprintln(u.w, strings.TrimSpace(err.Output))
	}
	for _, d := range err.Diagnostics {
		message := strings.ReplaceAll(d.Message, "\n", "\n    ")
		if d.File == "" {
			fmt.Fprintf(u.w, "  %s\n", message)
			continue
		}
		fmt.Fprintf(u.w, "  %s: %s\n", u.bad.Sprint(u.place(d)), message)
	}
}

// place is file:line:column, as far as they are known.
func (u *ui) place(d builder.Diagnostic) string {
	place := u.name(d.File)
	for _, n := range []int{d.Line, d.Column} {
		if n == 0 {
			break
		}
		place += fmt.Sprintf(":%d", n)
	}
	return place
}

// name is the shortest name of a file that a terminal in this folder opens.
func (u *ui) name(file string) string {
	relative, err := filepath.Rel(u.dir, file)
	if err != nil || len(relative) > len(file) {
		return file
	}
	return relative
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
