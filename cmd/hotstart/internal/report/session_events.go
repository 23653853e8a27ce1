package report

import (
	"fmt"
	"strings"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// Note is a line without a type of its own.
type Note struct{ Text string }

func (n Note) entry(View) entry { return entry{name: "note", text: n.Text} }

// Notef formats a note.
func Notef(format string, args ...any) Note { return Note{fmt.Sprintf(format, args...)} }

// Warning is a line without a type of its own that the reader should notice.
type Warning struct{ Text string }

func (w Warning) entry(View) entry { return entry{name: "warning", isError: true, text: w.Text} }

// Warningf formats a warning.
func Warningf(format string, args ...any) Warning { return Warning{fmt.Sprintf(format, args...)} }

// Failed reports that hotstart ends with an error.
type Failed struct{ Err error }

func (f Failed) entry(View) entry {
	e := entry{name: "failed", isError: true, text: f.Err.Error()}
	e.Hint = cli.Hint(f.Err)
	for line := range strings.Lines(e.Hint) {
		e.notes = append(e.notes, strings.TrimSpace(line))
	}
	return e
}

// Key is a keyboard shortcut.
type Key struct{ Key, Does string }

// Shortcuts are the keyboard shortcuts, as the help shows them.
var Shortcuts = []Key{
	{Key: "r", Does: "restart the program; build first only if there is newer code"},
	{Key: "b", Does: "build and reload, even if nothing has changed"},
	{Key: "o", Does: "open in the browser"},
	{Key: "c", Does: "clear the screen"},
	{Key: "q", Does: "quit when the program has finished; twice kills it immediately"},
	{Key: "h", Does: "this help"},
}

// ReloadBegan reports that rules run, or that newer code is built or started, after a
// time in which nothing of that happened.
type ReloadBegan struct{}

func (ReloadBegan) entry(View) entry {
	return entry{name: "reload_began", only: onlyPlain, text: "reload begins"}
}

// ReloadEnded reports that what ReloadBegan reported has ended. All events about it
// came before.
type ReloadEnded struct {
	Failing string // headline of the failure that is not fixed; "": the newest code runs
}

func (r ReloadEnded) entry(View) entry {
	if r.Failing != "" {
		return entry{name: "reload_ended", only: onlyPlain, isError: true, text: "reload ends: " + r.Failing}
	}
	return entry{name: "reload_ended", only: onlyPlain, text: "reload ends: the newest code runs"}
}

// Keys reports that the user asked for the keyboard shortcuts.
type Keys struct{ Keys []Key }

func (k Keys) entry(View) entry {
	e := entry{name: "note", text: "keys"}
	e.keys = k.Keys
	return e
}

// ScriptReady reports that pages can load the script that reloads them.
type ScriptReady struct{ URL string }

func (s ScriptReady) entry(View) entry {
	return entry{name: "script", text: fmt.Sprintf(`pages with <script src="%s/hotstart.js"></script> reload by themselves`, s.URL)}
}

// PagesReload reports that an instrumented program adds the script to its pages.
type PagesReload struct{}

func (PagesReload) entry(View) entry {
	return entry{name: "pages", text: "open pages reload by themselves (--browser=off disables this)"}
}

// PagesBlocked reports that the Content-Security-Policy of a page blocks the script.
type PagesBlocked struct {
	Directive string // of the policy
	Tag       string // of the script
}

func (p PagesBlocked) entry(View) entry {
	return entry{name: "pages_blocked", isError: true, text: fmt.Sprintf(
		"the Content-Security-Policy of a page blocks its reloading: %s; add 'self' to the directive, or add to the page, with a nonce that the policy allows, which hotstart can't know: %s",
		p.Directive, p.Tag)}
}

// PageError reports an error in a page that a browser shows.
type PageError struct{ browser.PageError }

func (p PageError) entry(v View) entry {
	text := strings.Join(strings.Fields(p.Text), " ")
	e := entry{name: "page_error", isError: true, text: "browser: " + text}
	if p.Source != "" {
		place := builder.Diagnostic{File: strings.Join(strings.Fields(p.Source), " "), Line: p.Line, Column: p.Column}
		e.text = "browser: " + View{}.position(place) + ": " + text
	}
	e.Errors = []problem{{p.Source, p.Line, p.Column, p.Text}}
	return e
}

// PageErrorsLeftOut reports that pages had more errors than are reported.
type PageErrorsLeftOut struct{ N int }

func (p PageErrorsLeftOut) entry(View) entry {
	return entry{name: "page_errors_left_out", isError: true, text: fmt.Sprintf("browser: %s left out, at most 5 are shown in a second (--browser-log=off shows none)", count(p.N, "error"))}
}

// Refreshed reports that open pages load files again, and the program is not restarted.
type Refreshed struct {
	Cause Cause // Changed are the files
	Fixed bool
}

func (r Refreshed) entry(v View) entry {
	e := entry{name: "refreshed", fixed: r.Fixed, text: r.Cause.then(v, "pages are refreshed")}
	e.Changed = r.Cause.Changed
	return e
}

// RuleDone reports that a rule has run. It is written in JSON alone: the text format names
// the run in the line of the event that follows from it.
type RuleDone struct {
	RuleRun
	Command string
}

func (r RuleDone) entry(v View) entry {
	e := entry{name: "rule", only: onlyJSON, text: v.changed(r.Files, r.String())}
	e.Changed, e.Command, e.CommandMS = r.Files, r.Command, milliseconds(r.Took)
	return e
}

// RulesDone reports that rules have run, and nothing else follows from it. It is written in
// the text format alone.
type RulesDone struct {
	Rules []RuleRun // at least one
	Fixed bool
}

func (r RulesDone) entry(v View) entry {
	cause := Cause{Rules: r.Rules}
	e := entry{name: "rule", only: onlyText, fixed: r.Fixed, text: v.changed(cause.files(v), cause.runs(v))}
	e.Changed = cause.files(v)
	return e
}

// RuleFailed reports that the command of a rule has failed. Nothing is built until it
// succeeds.
type RuleFailed struct {
	Rule    string // title
	Command string
	Cause   Cause // Changed are the files that the rule ran for
	Err     error
	Output  string // of the command, as it was written
	Current Current
}

func (r RuleFailed) entry(v View) entry {
	e := r.Current.failure("rule_failed", r.Rule+" failed", r.Cause.Changed)
	e.text = r.Cause.then(v, fmt.Sprintf("%s: %v; %s", e.headline, r.Err, e.current))
	e.Command, e.Reason = r.Command, r.Err.Error()
	if r.Output != "" {
		e.facts.Output = strings.Split(r.Output, "\n")
		e.notes = e.facts.Output
	}
	return e
}

// RuleLoop reports that rules run because of each other.
type RuleLoop struct{ Rules []string }

func (r RuleLoop) entry(v View) entry {
	return Warningf("rules trigger each other in a loop: %s; paused until the next edit\n"+
		"(exclude the files that a rule writes, for example --rule='*.txt, !out.txt: ...')", strings.Join(r.Rules, ", ")).entry(v)
}

// AfterReadyFailed reports that a command of --after-ready has failed.
type AfterReadyFailed struct {
	Title   string
	Command string
	Err     error
}

func (a AfterReadyFailed) entry(View) entry {
	e := entry{name: "after_ready_failed", isError: true, text: fmt.Sprintf("--after-ready: %s: %v", a.Title, a.Err)}
	e.Command, e.Reason = a.Command, a.Err.Error()
	return e
}

// SettingsChanged reports that the settings file has changed and is applied.
type SettingsChanged struct {
	File    string
	Applied []string // names of settings; empty: the file is valid again
}

func (s SettingsChanged) entry(View) entry {
	if len(s.Applied) == 0 {
		return entry{name: "settings", text: s.File + " is valid again"}
	}
	return entry{name: "settings", text: fmt.Sprintf("%s changed: %s", s.File, strings.Join(s.Applied, ", "))}
}

// SettingsPending reports that some settings of a changed file apply at the next start of
// hotstart.
type SettingsPending struct {
	File     string
	Settings []string // names
}

func (s SettingsPending) entry(v View) entry {
	return Warningf("%s changed: restart hotstart to apply: %s", s.File, strings.Join(s.Settings, ", ")).entry(v)
}

// SettingsRefused reports that the settings file is invalid, so that the previous settings
// stay.
type SettingsRefused struct{ Err error }

func (s SettingsRefused) entry(View) entry {
	text := fmt.Sprintf("%v\nkeeping the previous settings", s.Err)
	if hint := cli.Hint(s.Err); hint != "" {
		text += "; run: " + hint
	}
	return entry{name: "settings_refused", isError: true, text: text}
}
