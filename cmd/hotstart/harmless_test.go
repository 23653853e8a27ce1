package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hotstart/hotstart/builder"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/browser"
	"github.com/hotstart/hotstart/cmd/hotstart/internal/term"
	"github.com/hotstart/hotstart/starter"
)

// evil is what may be in the name of a file, and so in messages about it.
const evil = "x\x1b]0;owned\x07\x1b[2J\u009b2J\x9b2J\r\n\u202ehotstart: fixed"

// What hotstart says of names, messages and endings has nothing in it for a terminal to
// act on, and is valid UTF-8. So are the title, the status and what machines read.
func TestNothingEvilIsSaid(t *testing.T) {
	var written strings.Builder
	u := &watchUI{
		ui:    &ui{Screen: term.NewScreen(&written, true), Style: term.NewStyle(false), dir: "/d"},
		pages: &pages{instead: browser.NewPage(nil)},
	}
	defer u.pages.instead.Close()
	var err error
	if u.pages.starter, err = starter.New(starter.Options{}); err != nil {
		t.Fatal(err)
	}
	defer u.pages.starter.Close()
	u.alerts = alerts{program: evil}
	file := filepath.Join(t.TempDir(), strings.ReplaceAll(evil, "/", ""))
	if err := os.WriteFile(file, []byte("package a // "+strings.ReplaceAll(evil, "\n", "")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := &builder.BuildError{Diagnostics: []builder.Diagnostic{{File: file, Line: 1, Column: 1, Message: evil}, {Message: evil}}}
	for _, machine := range []bool{false, true} {
		u.machine, u.Screen = machine, term.NewScreen(&written, !machine)
		written.Reset()
		u.buildFailed([]string{file}, broken, "no worker runs")
		u.buildImpossible([]string{evil, file}, &usageError{err: broken}, evil)
		u.building(evil, evil)
		u.say("%s", evil)
		u.warn("%s", evil)
		u.failed(&usageError{err: broken, hint: evil})
		u.alerts.broken(u.ui, evil, evil)
		u.tell(event{name: "x", text: "x", more: u.words(term.NewExitReport("panic: "+evil+"\n", nil))})
		u.broken(event{}, evil, evil)
		checkHarmless(t, written.String(), machine)
	}
}

func checkHarmless(t *testing.T, written string, machine bool) {
	t.Helper()
	if !utf8.ValidString(written) {
		t.Errorf("not UTF-8: %q", written)
	}
	for _, ours := range []string{"\r\x1b[K", "\x1b[?7l", "\x1b[?7h"} { // of the status line
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

func TestObjectsEscapeWhatTerminalsActOn(t *testing.T) {
	got := event{name: "x", text: evil, facts: facts{Changed: []string{evil}}}.object(time.Now())
	checkHarmless(t, got, true)
}
