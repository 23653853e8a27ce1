package report

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/control"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
)

// WriteStatus writes the status of a hotstart for people.
func WriteStatus(w io.Writer, s control.Status, now time.Time) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", name, term.CleanLine(fmt.Sprintf(format, args...)))
	}
	line("state", "%s", s.State)
	if s.Serving != nil {
		line("serving", "%s", describeWorker(*s.Serving, now))
	}
	if s.Starting != nil {
		line("starting", "%s", describeWorker(*s.Starting, now))
	}
	for _, d := range s.Draining {
		line("draining", "%s", describeWorker(d, now))
	}
	if len(s.Addresses) > 0 {
		line("addresses", "%s", strings.Join(s.Addresses, ", "))
	}
	if s.Build != nil {
		line("build", "%s", describeBuild(*s.Build))
	}
	if s.Failure != nil {
		line("failure", "%s", s.Failure.Message)
		WriteDiagnostics(w, s.Failure)
	}
	c := s.Counters
	line("since", "%s: %d builds (%d failed), %d starts (%d failed), %d reloads, %d crashes",
		age(now, s.Instance.Began), c.Builds, c.BuildsFailed, c.Starts, c.StartsFailed, c.Reloads, c.Crashes)
	line("hotstart", "%s (pid %d) in %s", s.Instance.Mode, s.Instance.PID, s.Instance.Dir)
}

func describeWorker(w control.Worker, now time.Time) string {
	text := fmt.Sprintf("worker %d (pid %d) for %s", w.Generation, w.PID, age(now, w.Since))
	if w.Built != nil {
		text += fmt.Sprintf(", built %s in %s", w.Built.Local().Format("15:04:05"), Duration(w.BuildMS))
	}
	if w.Connected != nil {
		text += fmt.Sprintf(", %d connections", *w.Connected)
	}
	if w.Accepts != nil && *w.Accepts {
		text += ", still accepts"
	}
	if w.ReadyMS > 0 {
		text += fmt.Sprintf(", ready after %s", Duration(w.ReadyMS))
	}
	return text
}

// describeBuild tells how the program was linked, and whether the next edit can be linked by delta.
func describeBuild(b control.Build) string {
	text := "linked by the ordinary linker"
	switch b.LinkedBy {
	case string(builder.LinkedByDelta):
		text = "linked by delta"
	case string(builder.LinkedByGo):
		text = "built by the go command"
	}
	switch {
	case b.Reason != "":
		text += "; no fast builds: " + b.Reason
	case b.Delta.Ready:
		text += "; the next edit can be linked by delta"
	case b.Delta.Reason != "":
		text += "; no link by delta: " + b.Delta.Reason
	}
	return text
}

// WriteDiagnostics writes the errors of a failure as the go command does.
func WriteDiagnostics(w io.Writer, f *control.Failure) {
	dir, _ := os.Getwd()
	for _, d := range f.Diagnostics {
		place := ""
		if d.File != "" {
			place = term.ShortPath(dir, d.File)
			for _, n := range []int{d.Line, d.Column} {
				if n == 0 {
					break
				}
				place += fmt.Sprintf(":%d", n)
			}
			place += ": "
		}
		fmt.Fprintln(w, term.Clean(place+d.Message))
	}
	if len(f.Diagnostics) == 0 {
		for _, l := range f.Output {
			fmt.Fprintf(w, "  | %s\n", term.CleanLine(l))
		}
	}
}

func age(now, then time.Time) string { return now.Sub(then).Round(time.Second).String() }

// Duration returns the duration of a number of milliseconds, rounded.
func Duration(ms float64) time.Duration {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond)
}
