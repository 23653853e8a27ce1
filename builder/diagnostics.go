package builder

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Diagnostic is one error that the go command, a compiler or a linker reports.
type Diagnostic struct {
	File    string // absolute; "" if the error has no file, or a generated one
	Line    int    // from 1; 0 if unknown
	Column  int    // in bytes, from 1; 0 if unknown
	Message string // may have several lines, with the indentation that they were printed with
	Package string // import path; "" if unknown
}

// String returns the diagnostic as compilers print it.
func (d Diagnostic) String() string {
	switch {
	case d.File == "":
		return d.Message
	case d.Line == 0:
		return fmt.Sprintf("%s: %s", d.File, d.Message)
	case d.Column == 0:
		return fmt.Sprintf("%s:%d: %s", d.File, d.Line, d.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
}

var (
	// FILE:LINE:COLUMN: or FILE:LINE: before the message. A file name must not have a colon.
	positioned = regexp.MustCompile(`^([^:\s][^:]*):(\d{1,9}):(?:(\d{1,9}):)? (.*)$`)

	// Names of generated files, in a directory that is removed after the build.
	generated = regexp.MustCompile(`^<|^\$WORK|go-build|go-link|_cgo_|\.cgo[12]\.|^cgo-gcc-prolog|^cgo-builtin`)

	// Lines without information of their own.
	noise = regexp.MustCompile(`^go: (downloading|extracting|finding|found|added|upgraded|warning|errors parsing) |` +
		`^(too many errors|cgo: ?|gcc errors for preamble:|compilation terminated\.|[^\s:]+)$|` +
		`^asm: assembly of .* failed$|^In file included from |^[^:]+: (In|At) .*:$|^usage: go |^Run 'go help `)

	// Lines that begin an error which continues up to the next header.
	swallows = regexp.MustCompile(`: running .* failed: |^goroutine \d+ |^panic: |^fatal error: |^# \[`)
)

// transcript reads the output of the go command, one line after another.
type transcript struct {
	resolve   func(importPath, file string) string
	pkg       string // import path in the last header
	found     []Diagnostic
	open      bool // indented lines belong to the last diagnostic
	swallowed bool // all lines without a position belong to the last diagnostic
	blank     int  // empty lines before the current line: they are kept only within a message
}

// parse reads the output of a go command. Lines without information of their own are left out:
// downloads, "too many errors", "In file included from".
func parse(output string, resolve func(importPath, file string) string) []Diagnostic {
	p := &transcript{resolve: resolve}
	for line := range strings.Lines(output) {
		p.line(strings.TrimRight(line, "\r\n"))
	}
	return p.found
}

func (p *transcript) line(line string) {
	at := positioned.FindStringSubmatch(line)
	if at != nil && generated.MatchString(at[1]) {
		at = nil
	}
	switch {
	case strings.TrimSpace(line) == "":
		p.blank++
		return
	case strings.HasPrefix(line, "# ["): // the output of a tool such as cgo
		p.open, p.swallowed = false, true
	case strings.HasPrefix(line, "# "):
		p.pkg, _, _ = strings.Cut(line[2:], " ")
		p.open, p.swallowed = false, false
	case at != nil && at[4] == "too many errors":
		p.open = false
	case at != nil && p.open && strings.HasPrefix(at[4], "note: "):
		p.extend(line)
	case at != nil:
		p.swallowed = strings.HasPrefix(at[4], "internal compiler error: ")
		p.add(p.at(at))
	case strings.HasPrefix(line, "\t") && p.open && p.placed(line[1:]):
	case p.open && (indented(line) || p.swallowed):
		p.extend(line)
	case indented(line): // belongs to a line without information
	case noise.MatchString(line):
		p.open = false
	default:
		p.swallowed = p.swallowed || swallows.MatchString(line)
		p.add(Diagnostic{Message: strings.TrimSpace(line), Package: p.pkg})
	}
	p.blank = 0
}

func indented(line string) bool { return line[0] == ' ' || line[0] == '\t' }

// at returns the diagnostic of a line with a position.
func (p *transcript) at(match []string) Diagnostic {
	line, _ := strconv.Atoi(match[2])
	column, _ := strconv.Atoi(match[3])
	if line == 0 {
		column = 0
	}
	return Diagnostic{p.resolve(p.pkg, filepath.FromSlash(match[1])), line, column, match[4], p.pkg}
}

func (p *transcript) add(d Diagnostic) {
	p.found, p.open = append(p.found, d), true
}

func (p *transcript) extend(line string) {
	last := &p.found[len(p.found)-1]
	last.Message += strings.Repeat("\n", p.blank+1) + line
}

// placed replaces the diagnostic of a line "package PATH" by that of the indented line after it,
// if that line has a position.
func (p *transcript) placed(line string) bool {
	last := &p.found[len(p.found)-1]
	pkg, ok := strings.CutPrefix(last.Message, "package ")
	at := positioned.FindStringSubmatch(line)
	if !ok || at == nil || strings.ContainsAny(pkg, " \n") {
		return false
	}
	*last = p.at(at)
	last.Package = pkg
	return true
}
