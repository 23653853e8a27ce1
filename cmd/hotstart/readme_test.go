package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestReadmeShowsTheFlags(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if flags := newWatchCmd().Flags().FlagUsages(); !strings.Contains(string(readme), "```\n"+flags+"```\n") {
		t.Errorf("README.md does not show the flags as they are:\n%s", flags)
	}
	if lines := strings.Count(string(readme), "\n"); lines >= 200 {
		t.Errorf("README.md has %d lines", lines)
	}
}

// readme TEXT: sees the next lines of the terminal session that README.md
// shows, whatever their figures are, up to one with TEXT in it.
func cmdReadme(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := sessionOf(ts)
	from, to := s.readmeLine, args[0]
	for i, line := range readmeSession(ts)[from:] {
		cmdSee(ts, neg, []string{"(?m)^" + shape(line) + "$"})
		s.readmeLine = from + i + 1
		if strings.Contains(line, to) {
			return
		}
	}
	ts.Fatalf("README.md has no line with %q after line %d of its session", to, from)
}

func readmeSession(ts *testscript.TestScript) []string {
	readme, err := os.ReadFile(ts.Getenv("README"))
	ts.Check(err)
	_, session, _ := strings.Cut(string(readme), "```console\n$ hotstart watch")
	session, _, _ = strings.Cut(session, "```")
	return strings.Split(strings.TrimSpace(session), "\n")[1:]
}

var figures = regexp.MustCompile(`http://localhost:8080|[0-9.]+m?s\b|\d\d:\d\d:\d\d|pid \d+`)

// shape makes a pattern of a line by letting its figures be any.
func shape(line string) string {
	pattern := ""
	for {
		at := figures.FindStringIndex(line)
		if at == nil {
			return pattern + regexp.QuoteMeta(line)
		}
		any := `\S+`
		if strings.HasPrefix(line[at[0]:], "pid") {
			any = `pid \d+`
		}
		pattern += regexp.QuoteMeta(line[:at[0]]) + any
		line = line[at[1]:]
	}
}
