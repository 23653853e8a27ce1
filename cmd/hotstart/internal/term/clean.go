package term

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns text with every character escaped that a terminal acts on, or that
// changes the order of characters. The names of files and the texts of errors must not
// be able to hide or to forge a line of hotstart. Newlines and tabs stay.
func Clean(text string) string {
	return escape(text, func(r rune) bool { return r == '\n' || r == '\t' })
}

// CleanLine is Clean for text that must stay within its line, for example a name.
func CleanLine(text string) string {
	return escape(text, func(rune) bool { return false })
}

// escape escapes characters as strconv.Quote does, unless they are harmless or allowed.
func escape(text string, allowed func(rune) bool) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1, r < utf8.RuneSelf && IsControl(r) && !allowed(r):
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case allowed(r) || !IsControl(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// IsControl reports whether a character is a control character, or controls the order of
// characters (UAX #9).
func IsControl(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// ShortPath is the shortest name by which a terminal in the folder dir opens a file.
func ShortPath(dir, file string) string {
	relative, err := filepath.Rel(dir, file)
	if err != nil || len(relative) > len(file) {
		return file
	}
	return relative
}

// styling matches control sequences and operating system commands (ECMA-48).
var styling = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)`)

// Plain returns text without control sequences and control characters, except newlines
// and tabs.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, styling.ReplaceAllString(text, ""))
}
