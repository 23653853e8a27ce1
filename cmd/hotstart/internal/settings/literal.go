package settings

import (
	"fmt"
	"strings"
	"unicode"
)

// Quote returns a string as a literal of TOML. A character that a terminal or a
// reader may not show is escaped.
func Quote(s string) string {
	hidden := strings.ContainsFunc(s, isHidden)
	if !hidden && strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case isHidden(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// isHidden reports whether r is a control or a format character, such as a
// change of the direction of writing.
func isHidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

func (s *setting) literal() string {
	switch text := s.Value.String(); s.Value.kind() {
	case listKind:
		return QuoteList(s.texts())
	case boolKind:
		return text
	default:
		return Quote(text)
	}
}

func QuoteList(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, Quote(text))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (s *setting) jsonValue() any {
	switch text := s.Value.String(); s.Value.kind() {
	case listKind:
		return s.texts()
	case boolKind:
		return text == "true"
	default:
		return text
	}
}
