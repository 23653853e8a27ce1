package term

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean is text with everything replaced that a terminal would act on, or that makes it
// show the text in another order. What others have named, a file or an error, must
// not be able to hide, or to forge, what hotstart says. Lines stay lines.
func Clean(text string) string {
	return escape(text, func(r rune) bool { return r == '\n' || r == '\t' })
}

// cleanLine is clean for what is to stay within its line, as a name.
func CleanLine(text string) string {
	return escape(text, func(rune) bool { return false })
}

// escape writes characters as Go does within quotes, unless they are harmless or allowed.
func escape(text string, allowed func(rune) bool) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + hex(text[i]))
		case allowed(r) || !IsControl(r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			b.WriteString(`\x` + hex(text[i]))
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

func hex(b byte) string { return string([]byte{"0123456789abcdef"[b>>4], "0123456789abcdef"[b&15]}) }

// acts reports whether a character is a control character, or directs the order in which
// others are shown (UAX #9).
func IsControl(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
