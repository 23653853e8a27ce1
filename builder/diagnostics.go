package builder

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Diagnostic is one thing that the go command, a compiler or a linker complains about.
type Diagnostic struct {
	File    string // absolute; "" if none was named, or one that was generated
	Line    int    // from 1; 0 if unknown
	Column  int    // in bytes, from 1; 0 if unknown
	Message string // may have several lines, the further ones indented as they were
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

// ParseDiagnostics reads what the go command said when it ran in dir. Lines that only
// frame the others are left out: downloads, "too many errors", "In file included from".
func ParseDiagnostics(dir, output string) []Diagnostic {
	return parse(output, func(_, file string) string { return absolute(dir, file) })
}

var (
	// FILE:LINE:COLUMN: or FILE:LINE: before the message. No file name has a colon.
	positioned = regexp.MustCompile(`^([^:\s][^:]*):(\d{1,9}):(?:(\d{1,9}):)? (.*)$`)

	// Names of files that the user never wrote, in a directory that is gone by now.
	generated = regexp.MustCompile(`^<|^\$WORK|go-build|go-link|_cgo_|\.cgo[12]\.|^cgo-gcc-prolog|^cgo-builtin`)

	// Lines that say nothing by themselves.
	noise = regexp.MustCompile(`^go: (downloading|extracting|finding|found|added|upgraded|warning|errors parsing) |` +
		`^(too many errors|cgo: ?|gcc errors for preamble:|compilation terminated\.|[^\s:]+)$|` +
		`^asm: assembly of .* failed$|^In file included from |^[^:]+: (In|At) .*:$|^usage: go |^Run 'go help `)

	// Lines after which all up to the next header belong to one thing.
	swallows = regexp.MustCompile(`: running .* failed: |^goroutine \d+ |^panic: |^fatal error: |^# \[`)
)

// transcript reads what was said, one line after another.
type transcript struct {
	resolve   func(importPath, file string) string
	pkg       string // of the last header
	found     []Diagnostic
	open      bool // the last one found takes indented lines
	swallowed bool // … and every line that has no position
	blank     int  // empty lines held back: they count only within a message
}

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
	case strings.HasPrefix(line, "# ["): // a tool that runs for the package
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
	case indented(line): // belongs to noise
	case noise.MatchString(line):
		p.open = false
	default:
		p.swallowed = p.swallowed || swallows.MatchString(line)
		p.add(Diagnostic{Message: strings.TrimSpace(line), Package: p.pkg})
	}
	p.blank = 0
}

func indented(line string) bool { return line[0] == ' ' || line[0] == '\t' }

// at returns the diagnostic of a line that has a position.
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

// placed gives a line "package PATH" the position and message that the indented line
// after it has, if it has one.
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

// isC reports whether a file is for a C, C++, Objective-C or Fortran compiler.
func isC(file string) bool {
	switch filepath.Ext(file) {
	case ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90":
		return true
	}
	return false
}
