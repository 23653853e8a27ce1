package report

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// evil is what may be in the name of a file, and so in messages about it.
const evil = "x\x1b]0;owned\x07\x1b[2J\u009b2J\x9b2J\r\n\u202ehotstart: fixed"

// What hotstart says about names, messages and endings has nothing in it for a terminal
// to act on, and is valid UTF-8. So are the title, the status line and JSON.
func TestNothingEvilIsWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), strings.ReplaceAll(evil, "/", ""))
	if err := os.WriteFile(file, []byte("package a // "+strings.ReplaceAll(evil, "\n", "")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := []builder.Diagnostic{{File: file, Line: 1, Column: 1, Message: evil}, {Message: evil}}
	cause := Cause{Changed: []string{evil, file}, Rules: []RuleRun{{Rule: evil, Files: []string{file}}}}
	bad := errors.New(evil)
	exit := NewExit("panic: "+evil+"\n"+evil, nil)
	exit.InUse = []string{evil}
	died := starter.Event{Kind: starter.Crashed, Worker: one, Err: bad}
	for _, json := range []bool{false, true} {
		var written strings.Builder
		screen := term.NewScreen(&written, !json)
		log := NewTextLog(screen, false, false)
		if json {
			log = NewJSONLog(screen)
		}
		log.Dir = "/d"
		pages := &Pages{Dir: "/d"}
		sinks := Sinks{log, NewStatusLine(log), NewAlerts(screen, evil), pages}
		for _, e := range []Event{
			Note{evil}, Warning{evil}, Failed{evilError{bad}}, Building{Package: evil}, Postponed{evil}, Progress{}, RuleRunning{evil},
			BuildFailed{Cause: cause, Errors: wrong}, BuildImpossible{Changed: []string{evil, file}, Err: bad},
			StatusChanged{Status: Status{Failing: evil}}, EnvFileFailed{Cause: cause, Err: bad}, Crashed{Event: died, Exit: exit},
			StartFailed{Event: starter.Event{Kind: starter.Failed, Worker: one, Err: bad}, Cause: cause, Exit: exit}, Adopted{evil}, NotAdopted{bad},
			PortUnused{one, starter.Address{Network: "unix", Path: evil}}, Contended{What: evil}, Ended{Event: starter.Event{Kind: starter.Completed, Holder: evil}},
			WorkerEvent{starter.Event{Kind: starter.BrokerError, Err: bad}}, Refreshed{cause, true}, RulesDone{cause.Rules, true},
			RuleFailed{Rule: evil, Command: evil, Cause: cause, Err: bad, Output: evil}, RuleDone{cause.Rules[0], evil}, RuleLoop{[]string{evil}},
			AfterReadyFailed{evil, evil, bad}, SettingsChanged{evil, []string{evil}}, SettingsRefused{evilError{bad}}, WrongTarget{evil},
			BusyFiles{Files: []string{evil}, Ignore: []string{evil}}, PageError{browser.PageError{Text: evil, Source: evil}},
		} {
			sinks.Handle(e)
			if headline, _ := Failure(e); headline != "" {
				pages.Failure(e)
			}
		}
		checkHarmless(t, written.String(), json)
	}
}

// evilError is an error with an evil hint.
type evilError struct{ error }

func (evilError) Hint() string { return evil }

func checkHarmless(t *testing.T, written string, machine bool) {
	t.Helper()
	if !utf8.ValidString(written) {
		t.Errorf("not UTF-8: %q", written)
	}
	for _, ours := range []string{"\r\x1b[K", "\x1b[?7l", "\x1b[?7h", "\x1b[22;0t"} { // of the status line and the title
		written = strings.ReplaceAll(written, ours, "")
	}
	for title := range strings.SplitSeq(written, "\x1b]2;") { // each is followed by BEL
		written = strings.Replace(written, "\x1b]2;"+title[:strings.IndexByte(title+"\a", '\a')]+"\a", "", 1)
	}
	if strings.Contains(written, "owned\a") || strings.ContainsFunc(written, func(r rune) bool {
		return r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\u202e'
	}) {
		t.Errorf("a terminal acts on %q", written)
	}
	for line := range strings.Lines(written) {
		if strings.HasPrefix(line, "hotstart: fixed") {
			t.Errorf("a forged line in %q", written)
		}
		if machine && !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %q", line)
		}
	}
}
