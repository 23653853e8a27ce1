package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hotstart/hotstart/cmd/hotstart/internal/cli"
)

// The help fits on two screens, and the terminal wraps no line.
func TestHelpFitsTwoScreens(t *testing.T) {
	var help strings.Builder
	if code := run([]string{"help", "watch"}, &help, &help); code != cli.OK {
		t.Fatal(help.String())
	}
	if lines := strings.Count(help.String(), "\n"); lines > 96 {
		t.Errorf("the help has %d lines", lines)
	}
	for line := range strings.Lines(help.String()) {
		if len(line) > 110 {
			t.Errorf("too long a line: %s", line)
		}
	}
}

func TestReadmeNamesFlagsThatExist(t *testing.T) {
	readme := read(t, "../../README.md")
	if lines := strings.Count(readme, "\n"); lines >= 200 {
		t.Errorf("README.md has %d lines", lines)
	}
	_, section, _ := strings.Cut(readme, "\n## hotstart watch\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := regexp.MustCompile(`--[a-z][a-z-]*`).FindAllString(section, -1)
	if len(named) == 0 {
		t.Error("README.md names no flag")
	}
	cmd, _, err := newRootCmd().Find([]string{"watch"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range named {
		if cmd.Flag(name[2:]) == nil {
			t.Errorf("README.md names %s, which hotstart watch does not have", name)
		}
	}
}

// readme TEXT: waits for the next lines of the terminal session that README.md shows,
// with any numbers, up to a line with TEXT. Without a terminal, diagnostics are not
// indented.
func cmdReadme(ts *testscript.TestScript, neg bool, args []string) {
	noNeg(ts, neg)
	s := processOf(ts)
	from, to := s.readmeLine, args[0]
	for i, line := range readmeSession(ts)[from:] {
		cmdSee(ts, neg, []string{"(?m)^" + strings.Replace(shape(line), "  ", "(?:  )?", 1) + "$"})
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

// shape returns a pattern for a line that matches any numbers.
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
