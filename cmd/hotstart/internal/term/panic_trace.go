package term

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// lastWords are what is worth showing of what a worker wrote before it ended
// by itself.
type ExitReport struct {
	Lines []string // the last few
	Panic string   // what it panicked with; "": it did not
	File  string   // where that was in the user's code; "": not known
	Line  int
}

// manyWords is how many lines tell why a program has ended, as a rule.
const manyWords = 5

var (
	panics   = regexp.MustCompile(`(?m)^(panic|fatal error): .*`)
	position = regexp.MustCompile(`(?m)^\t(.+\.go):(\d+)(?: \+0x[0-9a-f]+)?\r?$`)
	styling  = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`)
)

// wordsOf reads the end of what a worker wrote. mine returns the path of a
// file that the user wrote, "" for any other: the runtime panics in the name
// of others.
func NewExitReport(tail string, mine func(file string) string) ExitReport {
	tail = Plain(tail)
	w := ExitReport{Lines: strings.Split(strings.TrimRight(tail, "\n"), "\n")}
	if len(w.Lines) > manyWords {
		w.Lines = w.Lines[len(w.Lines)-manyWords:]
	}
	if tail == "" {
		w.Lines = nil
	}
	starts := panics.FindAllStringIndex(tail, -1)
	if len(starts) == 0 {
		return w
	}
	trace := tail[starts[len(starts)-1][0]:]
	w.Panic, _, _ = strings.Cut(trace, "\n")
	for _, at := range position.FindAllStringSubmatch(trace, -1) {
		if file := mine(at[1]); file != "" {
			w.File = file
			w.Line, _ = strconv.Atoi(at[2])
			break
		}
	}
	return w
}

// plain is text without what a terminal acts on.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, styling.ReplaceAllString(text, ""))
}
